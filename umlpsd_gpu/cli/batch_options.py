"""Options that several batch commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from umlpsd_gpu.errors import SettingsError

if TYPE_CHECKING:
    from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions

DASK_PANEL = "Dask"
Out = Annotated[
    Path, typer.Argument(metavar="OUT", help="Folder of the batch (manifest, results, report).")
]
LimitS = Annotated[
    float | None,
    typer.Option(
        "--limit-s",
        metavar="SECONDS",
        help="Stop the analysis of a movie after this time, in seconds; after three attempts the "
        "movie is set aside. Default: no limit.",
        show_default=False,
    ),
]
DaskHere = Annotated[
    bool,
    typer.Option(
        "--dask",
        help="Start a Dask cluster on this machine and run on it.",
        rich_help_panel=DASK_PANEL,
    ),
]
DaskAddress = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Use the Dask scheduler at this address: tls://…, or tcp:// on 127.0.0.1.",
        show_default=False,
        rich_help_panel=DASK_PANEL,
    ),
]
DaskSlurm = Annotated[
    str | None,
    typer.Option(
        metavar="N_TASKS=4,…",
        help="Start Dask workers as SLURM jobs with these options: n_tasks, n_cpus, partition, "
        "account, gres, time_min, memory_mb.",
        show_default=False,
        rich_help_panel=DASK_PANEL,
    ),
]


def dask_options(here: bool, address: str | None, slurm: str | None) -> DaskOptions | None:
    """Return the Dask cluster that the options of a command choose.

    Parameters
    ----------
    here : bool
        Whether to start one on this machine.
    address : str or None
        Of a running scheduler.
    slurm : str or None
        Options of SLURM jobs, as ``n_tasks=4,n_cpus=2``.

    Returns
    -------
    DaskOptions or None
        None where no option is given.

    Raises
    ------
    SettingsError
        If several clusters are chosen, or the options of SLURM can't be read.
    """
    from umlpsd_gpu.batch.launchers.dask_cluster import DaskOptions
    from umlpsd_gpu.batch.launchers.slurm import SlurmOptions

    chosen = [
        name
        for name, value in (("--dask", here), ("--dask-address", address), ("--dask-slurm", slurm))
        if value
    ]
    if not chosen:
        return None
    if len(chosen) > 1:
        raise SettingsError(f"{' and '.join(chosen)} are different clusters; give one of them")
    return DaskOptions(address, SlurmOptions.from_text(slurm) if slurm else None)


def read_shard(text: str) -> tuple[int, int]:
    """Read the part of a batch that a runner makes.

    Parameters
    ----------
    text : str
        As ``1/4``.

    Returns
    -------
    tuple of int
        Number of the part, from 1, and number of parts.

    Raises
    ------
    SettingsError
        If the text looks different.
    """
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise SettingsError(f"--shard must look like 1/4, got '{text}'")
    return int(parts[0]), int(parts[1])
