"""How sure β is: the likelihood, what an estimator makes of a density, errors and goodness."""
