"""Readers of spectrum images, one module for each kind of file."""
