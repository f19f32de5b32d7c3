"""Roblox's OAuth 2.0 and OpenID Connect provider, with its consent page."""
