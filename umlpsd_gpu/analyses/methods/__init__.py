"""The methods section of a result: what was done, in sentences with citations."""
