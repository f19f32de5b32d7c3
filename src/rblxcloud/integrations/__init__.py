"""rblxcloud inside web frameworks: each module needs the extra of its name."""
