"""Traces → Traces: binning or wavelet smoothing, then min-max scaling."""
