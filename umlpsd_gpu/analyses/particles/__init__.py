"""Particles: nanocrystals in electron micrographs, their sizes, shapes and classes."""
