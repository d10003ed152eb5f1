"""Labels, exponents and Pearson correlations of pixel traces as images on the movie's grid."""
