"""A matrix of curves → Sweep: K-means for every trial K and epoch, with its quality metrics."""
