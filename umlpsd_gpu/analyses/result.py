"""The base of all results: settings, notes, timings, saving and loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

from umlpsd_gpu.analyses.saving import load_result, save_result


class Result:
    """Base class of results, which are frozen dataclasses.

    Attributes
    ----------
    analysis : str
        Name of the analysis that made it.
    settings : AnalysisSettings
        All settings of the run, defaults included.
    notes : tuple of str
        What the user should know.
    timings_s : dict of str to float
        Wall time of each step, in seconds.
    device : str
        ``"cpu"`` or ``"gpu"``.
    versions : dict of str to str
        Versions of this package and of those it uses.
    """

    analysis: ClassVar[str]
    settings: Any
    notes: tuple[str, ...]
    timings_s: dict[str, float]
    device: str
    versions: dict[str, str]

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Write the data files of a result folder atomically.

        Parameters
        ----------
        folder : path
            Missing or empty; with ``overwrite`` also a result folder, which is replaced.
        overwrite : bool
            Whether an existing result is replaced.

        Returns
        -------
        Path
            The folder, absolute.

        Raises
        ------
        OutputError
            If the folder can't be written, holds other files, or the disk is full.
        """
        return save_result(self, folder, overwrite)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a result folder.

        Parameters
        ----------
        folder : path

        Returns
        -------
        Result
            An object of this class, equal to the one that was saved.

        Raises
        ------
        UmlpsdError
            If the folder holds no such result, or a damaged one.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> from umlpsd_gpu import Settings, Study, run_study
        >>> from umlpsd_gpu.simulate.traces import simulate_traces
        >>> traces = simulate_traces({"PEB": 10, "PBB": 10}, n_frames=1000).traces
        >>> quick = {"preprocess.scales": ["W20"], "sweep.k_max": 4, "sweep.n_epochs": 10}
        >>> study = run_study(traces, Settings().with_values(quick))
        >>> with TemporaryDirectory() as folder:
        ...     written = study.save(f"{folder}/study")
        ...     again = Study.load(written)
        >>> again.decision == study.decision
        True
        """
        result: Self = load_result(folder, cls)
        return result
