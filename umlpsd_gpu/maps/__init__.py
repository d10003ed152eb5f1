"""Images of labels, exponents and Pearson correlations of pixel traces."""
