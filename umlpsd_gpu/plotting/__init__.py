"""The style of figures, and the processes that draw them."""
