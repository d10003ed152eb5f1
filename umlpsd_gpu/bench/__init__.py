"""Benchmarks: the paper's speed-up, other engines, and how far ours is from the machine's limit."""
