"""Conditioning: offsets, noise, saturated points, derivative and hysteresis of curves."""
