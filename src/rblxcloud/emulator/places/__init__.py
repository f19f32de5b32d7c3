"""Places: their names and settings, versions, and the instances in them."""
