"""X-ray spectra of electron microscopes: lines, absorption, and compositions from intensities."""
