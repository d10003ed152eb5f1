"""The gathered ensembles as cases that a rule decides."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from umlpsd_gpu.decision.consensus import agreement_of_labels
from umlpsd_gpu.decision.evidence import Evidence, evidence_of
from umlpsd_gpu.decision.profiles import Profile

# An ensemble is decidable if K-means with the true K finds this share of each class on average at
# the best scale: the accuracy that the paper reaches.
DECIDABLE_RECALL = 0.85


@dataclass(frozen=True)
class Case:
    """One ensemble: what its sweeps say, and the truth."""

    number: int
    family: str
    k_true: int
    counts: float
    n_traces: int
    recall: float
    profiles: list[Profile]
    nulls: list[Profile]
    agreement: np.ndarray
    below_percent: np.ndarray

    @property
    def is_decidable(self) -> bool:
        """Return whether K-means finds the classes when it is given the true K."""
        return self.k_true == 1 or self.recall >= DECIDABLE_RECALL

    def evidence(self, with_nulls: bool) -> Evidence:
        """Return the evidence for K, with or without surrogates."""
        nulls = self.nulls if with_nulls else None
        return evidence_of(self.profiles, nulls, self.agreement, self.n_traces)


def load_cases(folder: Path) -> list[Case]:
    """Read all cases, by number."""
    paths = sorted(folder.glob("*.npz"), key=lambda path: int(path.stem))
    return [_case(int(path.stem), np.load(path)) for path in paths]


def _case(number: int, data: np.lib.npyio.NpzFile) -> Case:
    return Case(
        number=number,
        family=str(data["family"]),
        k_true=int(data["k_true"]),
        counts=float(data["counts"]),
        n_traces=int(data["n_traces"]),
        recall=float(np.max(data["recall"])),
        profiles=_profiles(data, "profile"),
        nulls=_profiles(data, "null"),
        agreement=agreement_of_labels(data["labels"].astype(int)),
        below_percent=data["below_percent"],
    )


def _profiles(data: np.lib.npyio.NpzFile, prefix: str) -> list[Profile]:
    stacked = {field.name: data[f"{prefix}_{field.name}"] for field in fields(Profile)}
    n_scales = len(stacked["silhouette"])
    return [Profile(**{name: rows[i] for name, rows in stacked.items()}) for i in range(n_scales)]
