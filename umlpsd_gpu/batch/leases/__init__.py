"""Leases on inputs, made of files, and the identity of the processes that hold them."""
