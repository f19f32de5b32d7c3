"""OAuth 2.0 and OpenID Connect: signing users in, and keeping them signed in."""
