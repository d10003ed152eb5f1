"""Endings of the names of tables."""

from __future__ import annotations

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
# Text beside tables, as a README, is no table
FREE_TEXT_SUFFIXES = (".txt", ".dat")
EXCEL_SUFFIXES = (".xlsx", ".xlsm")
HDF5_SUFFIXES = (".h5", ".hdf5")
NUMPY_SUFFIXES = (".npy", ".npz")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, *EXCEL_SUFFIXES, *NUMPY_SUFFIXES, *HDF5_SUFFIXES, ".mat")
