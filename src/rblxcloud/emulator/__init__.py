"""Open Cloud in a box."""
