"""Sweeps → KDecision: number of clusters and representation, from sweeps that were done."""
