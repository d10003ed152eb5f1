"""Many movies: a manifest of an archive, and runners that may be killed at any moment."""
