"""A live run in the browser: a server on this machine only, and its page."""
