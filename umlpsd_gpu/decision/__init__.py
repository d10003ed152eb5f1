"""Sweeps → KDecision: number of clusters and smoothing scale; reruns nothing."""
