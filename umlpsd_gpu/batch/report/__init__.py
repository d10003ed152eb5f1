"""The page, the table and the figures of a whole batch."""
