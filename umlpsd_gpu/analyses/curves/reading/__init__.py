"""Reading maps of curves from the files of microscopes, tables and arrays."""
