"""Plots for notebooks: each takes results and axes, and returns the axes; none calls ``show``."""
