"""The figures of a spectrum image."""
