"""Single items of a result, such as one trace: found by number or name, with values and curves."""
