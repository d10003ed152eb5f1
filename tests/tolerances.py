"""How far two results may differ, by quantity, each with its reason."""
