"""All hostile files made by hand."""

from __future__ import annotations

from tests.support.hostile_files import (
    array_tables,
    movie_claims,
    movie_structure,
    places,
    regions,
    text_tables,
    workbook_tables,
)

CASES = [
    *movie_structure.CASES,
    *movie_claims.CASES,
    *text_tables.CASES,
    *workbook_tables.CASES,
    *array_tables.CASES,
    *regions.CASES,
    *places.CASES,
]
