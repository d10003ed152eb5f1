"""Where runners are started: SLURM job arrays and Dask clusters."""
