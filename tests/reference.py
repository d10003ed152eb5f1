"""The simplest loops that could be right, to compare with; imports nothing of umlpsd_gpu."""
