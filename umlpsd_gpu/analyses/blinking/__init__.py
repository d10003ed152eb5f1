"""Blinking: movies → trajectories → clusters, power spectra, exponents and maps."""
