"""pytest plugins of the project's own test suite."""
