"""Values → Sweep: K-means over every trial K and epoch, with its metrics."""
