"""Files that try to fool the readers: made by hand with a verdict each, or mutated at random."""
