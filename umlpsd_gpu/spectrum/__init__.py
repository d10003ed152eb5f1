"""Traces → Spectrum → PowerLawFit."""
