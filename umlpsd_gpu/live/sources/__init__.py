"""Where the frames of a live run come from."""
