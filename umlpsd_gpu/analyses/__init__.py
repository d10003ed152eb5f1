"""One folder per kind of analysis, the protocol that each follows, and their registry."""
