"""Benchmarks: the paper's speed-up, other engines, and the distance from the machine's limit."""
