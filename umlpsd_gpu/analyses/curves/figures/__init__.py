"""Figures of a study of curves."""
