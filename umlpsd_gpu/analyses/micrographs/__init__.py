"""Micrographs: what is local in a single image, by the spectra of its windows."""
