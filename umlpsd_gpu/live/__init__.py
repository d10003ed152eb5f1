"""Analysis of a movie while it is recorded."""
