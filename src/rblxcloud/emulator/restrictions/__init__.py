"""Bans: who may not join an experience or a place, and the log of what was done."""
