"""Shapes of particles: outlines, features, super-ellipses fitted to outlines and pixels."""
