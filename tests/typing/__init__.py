"""What users write, as type checkers see it."""
