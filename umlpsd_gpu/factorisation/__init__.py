"""Non-negative matrix factorisation: how many components, which, and how certain they are."""
