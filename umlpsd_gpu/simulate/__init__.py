"""Traces and movies with known answers."""
