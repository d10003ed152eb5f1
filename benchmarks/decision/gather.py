"""Sweeps of all ensembles and of their surrogates → profiles on disk, a file for each ensemble.

    python benchmarks/decision/gather.py FOLDER [--first 0 --stop 320 --step 1]

The results committed rest on 0 … 319 and the even numbers to 799 (emitters), and 1000 … 1139
(assemblies).
Existing files are kept, so that several processes can share the work.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script: benchmarks/ is no package

from decision.ensembles import Ensemble, ensemble

from umlpsd_gpu.decision.labels import match_labels
from umlpsd_gpu.decision.profiles import MOST_K, Profile, mean_profile, profile_of
from umlpsd_gpu.kmeans.surrogates import gaussian_surrogates
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.preprocessing.smooth import preprocess_at
from umlpsd_gpu.preprocessing.wavelet import max_level
from umlpsd_gpu.scale import Scale

SCALES = ("raw", "W10", "W25", "W50", "W100", "W200", "WL6")
MIN_BINS = 20
N_EPOCHS, N_NULL_EPOCHS, N_NULLS = 60, 20, 2


def main() -> None:
    """Simulate ensembles and write their profiles to files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--stop", type=int, default=320)
    parser.add_argument("--step", type=int, default=1)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(limits=1):
        for number in range(arguments.first, arguments.stop, arguments.step):
            path = arguments.folder / f"{number}.npz"
            if not path.exists():
                np.savez(path.with_suffix(".part.npz"), **gathered(ensemble(number)))
                os.replace(path.with_suffix(".part.npz"), path)
                print(path, flush=True)


def gathered(simulated: Ensemble) -> dict[str, np.ndarray]:
    """Return the profiles at every scale that fits, stacked over scales, and the truth."""
    traces, classes = simulated.traces, simulated.classes
    scales = [s for s in map(Scale.parse, SCALES) if _fits(s, traces.n_frames)]
    profiles, nulls, labels, recalls, below = [], [], [], [], []
    for scale in scales:
        values = preprocess_at(traces, scale).values
        found = _sweep(values, N_EPOCHS)
        profiles.append(profile_of(found))
        surrogates = gaussian_surrogates(values, range(N_NULLS))
        nulls.append(mean_profile([profile_of(_sweep(s, N_NULL_EPOCHS)) for s in surrogates]))
        below.append(found.below_percent.mean(axis=(0, 2)))
        labels.append([found.best_labels(k) for k in found.k_values])
        recalls.append(mean_recall(found.best_labels(simulated.k_true), classes))
    return {
        "k_true": np.array(simulated.k_true),
        "family": np.array(simulated.family),
        "counts": np.array(simulated.counts),
        "n_traces": np.array(traces.n_traces),
        "labels": np.array(labels, dtype=np.int8),
        "recall": np.array(recalls),
        "below_percent": np.array(below),
        **_stacked("profile", profiles),
        **_stacked("null", nulls),
    }


def mean_recall(labels: np.ndarray, classes: np.ndarray) -> float:
    """Return the share of each class that its cluster holds, averaged over classes."""
    held = match_labels(labels, classes) == classes
    return float(np.mean([held[classes == c].mean() for c in np.unique(classes)]))


def _sweep(values: np.ndarray, n_epochs: int):
    return sweep(values, range(1, MOST_K + 1), n_epochs=n_epochs, n_threads=1)


def _fits(scale: Scale, n_frames: int) -> bool:
    deepest = scale.kind != "wavelet" or scale.size <= max_level(n_frames, "db4")
    return deepest and n_frames >= MIN_BINS * scale.n_frames_averaged


def _stacked(prefix: str, profiles: list[Profile]) -> dict[str, np.ndarray]:
    names = [field.name for field in fields(Profile)]
    return {f"{prefix}_{n}": np.array([getattr(p, n) for p in profiles]) for n in names}


if __name__ == "__main__":
    main()
