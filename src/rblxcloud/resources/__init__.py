"""What a user holds: experiences, data stores, and what they give."""
