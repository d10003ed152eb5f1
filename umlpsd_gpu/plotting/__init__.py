"""How figures look, and the processes that draw them."""
