"""Start work on many machines: SLURM job arrays and Dask clusters."""
