"""What a batch requests from SLURM."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from umlpsd_gpu.batch.options import check_limit
from umlpsd_gpu.errors import SettingsError, UmlpsdError

_SAFE = re.compile(r"[\w.,:=@+/*-]+")


class QueueError(UmlpsdError):
    """A queue or cluster can't be reached, or refuses the work."""

    exit_code = 3


@dataclass(frozen=True)
class SlurmOptions:
    """What a job array requests.

    Attributes
    ----------
    n_tasks : int or None
        Tasks of the array; None: so that each is predicted to take ten minutes.
    n_at_once : int or None
        Tasks that may run at the same time; None: any number.
    partition, account, gres : str or None
        As in sbatch; ``gres`` for example ``gpu:1``.
    time_min : int or None
        Minutes of a task; None: four times the prediction.
    memory_mb : float or None
        Memory of a task; None: 1.5 times the prediction for its workers, plus 1 GB.
    n_cpus : int
        Cores of a task; without ``gres`` there is one worker per core.
    warn_s : int
        A task gets a signal this many seconds before its time ends: running analyses finish or are
        rolled back.
    limit_s : float or None
        Time limit of an input; see `umlpsd_gpu.batch.options.RunOptions`.
    requeue : bool
        Whether tasks that ran out of time, or lost their node, start again.
    """

    n_tasks: int | None = None
    n_at_once: int | None = None
    partition: str | None = None
    account: str | None = None
    gres: str | None = None
    time_min: int | None = None
    memory_mb: float | None = None
    n_cpus: int = 1
    warn_s: int = 120
    limit_s: float | None = None
    requeue: bool = True

    def __post_init__(self) -> None:
        """Refuse values that are not allowed."""
        for name in ("n_tasks", "n_at_once", "time_min", "memory_mb", "n_cpus"):
            value = getattr(self, name)
            if value is not None and not 1 <= value < math.inf:
                raise SettingsError(f"{name} of a job array must be 1 or more, got {value}")
        if self.limit_s is not None:
            check_limit(self.limit_s)
        if self.warn_s < 15:
            raise SettingsError(
                f"warn_s must be 15 or more, got {self.warn_s}: a runner may take 10 s to stop"
            )
        for name in ("partition", "account", "gres"):
            value = getattr(self, name)
            if value is not None and not _SAFE.fullmatch(value):
                raise SettingsError(
                    f"{name} '{value}' is not allowed: letters, digits and .,:=@+/*- only"
                )

    @classmethod
    def from_text(cls, text: str) -> SlurmOptions:
        """Read options from one text.

        Parameters
        ----------
        text : str
            For example ``n_tasks=4,partition=long``.

        Returns
        -------
        SlurmOptions

        Raises
        ------
        SettingsError
            If a name or value is not allowed.
        """
        pairs = [part.partition("=") for part in text.split(",")]
        kinds: dict[str, Callable[[str], Any]] = {
            "n_tasks": int,
            "n_cpus": int,
            "time_min": int,
            "memory_mb": float,
        }
        kinds |= dict.fromkeys(("partition", "account", "gres"), str)
        try:
            return cls(**{name: kinds[name](value) for name, _, value in pairs})
        except (KeyError, ValueError) as error:
            if isinstance(error, SettingsError):
                raise
            raise SettingsError(
                f"'{text}' must look like n_tasks=4,time_min=60, of {', '.join(kinds)}"
            ) from error
