"""Movie → Traces: finding emitters or pixels, photometry, drift, import of finished traces."""
