"""The report of a whole batch: page, table and figures."""
