"""Curves: maps of current-voltage curves and tunnelling spectra, grouped."""
