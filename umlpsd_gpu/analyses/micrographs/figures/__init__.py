"""Figures of a micrograph."""
