"""Single images: opening them with their scale, and their local spectra."""
