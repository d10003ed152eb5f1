"""Analyse whole archives: a manifest of inputs, and runners that may be killed at any time."""
