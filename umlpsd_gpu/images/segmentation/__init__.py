"""Particles in single images: which pixels belong to which particle, and which are left out."""
