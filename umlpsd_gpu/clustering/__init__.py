"""Cluster the rows of matrices: K-means sweeps, the decision on K, labels, outliers."""
