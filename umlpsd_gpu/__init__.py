"""From microscopy movies of blinking nanocrystals to clusters and power spectra."""
