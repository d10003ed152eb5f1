"""Physical quantities of curves, each with its standard error and validity."""
