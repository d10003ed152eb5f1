"""Simulated traces and movies whose true classes, spectra and positions are known."""
