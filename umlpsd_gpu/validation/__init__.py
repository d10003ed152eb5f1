"""Reliability of the method for data like the user's, tested on simulated ensembles."""
