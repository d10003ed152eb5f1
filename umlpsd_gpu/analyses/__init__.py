"""Kinds of analysis (one folder each), the protocol they follow, and the registry."""
