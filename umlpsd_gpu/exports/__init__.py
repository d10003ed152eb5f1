"""What a result consists of, and the files of other programs that it is written to."""
