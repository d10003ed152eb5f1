"""Uncertainty of β: likelihood, response of the estimators, errors, and goodness of fit."""
