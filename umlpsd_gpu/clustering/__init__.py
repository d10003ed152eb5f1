"""Representations of the same curves → K-means sweeps, the decision on K, labels and outliers."""
