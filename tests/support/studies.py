"""Synthetic studies: every array random, but of the size and look of a real analysis.

Nothing here is computed by the rooms of the package, so the tests of saving and reporting stand
alone. Trajectories follow the classes of the paper: brightening, two-state and bleaching.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from umlpsd_gpu.analyses.blinking.movie_summary import MovieSummary
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.decision.cluster_tests import ClusterTests
from umlpsd_gpu.decision.outliers import Outliers
from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.kmeans.result import Sweep
from umlpsd_gpu.preprocessing.settings import PAPER_SCALES
from umlpsd_gpu.spectrum.result import ClusterSpectra, PowerLawFit, Spectrum
from umlpsd_gpu.traces.traces import Traces

Kind = Literal["emitters", "pixels", "imported"]

DT_S = 0.03
FRAMES_PER_BIN = 80
N_EPOCHS = 20
THRESHOLDS = np.arange(7) / 10


def make_study(
    kind: Kind = "emitters",
    seed: int = 0,
    n_traces: int = 204,
    n_frames: int = 2000,
    n_clusters: int = 3,
    n_movies: int = 2,
    n_flagged: int = 2,
    k_max: int = 15,
) -> Study:
    """Return a study of ``n_traces`` traces, the last ``n_flagged`` of them NaN or constant."""
    rng = np.random.default_rng(seed)
    n_clustered = n_traces - n_flagged
    labels = np.zeros(n_traces, dtype=np.int16)
    labels[:n_clustered] = _labels_from_largest(rng, n_clustered, n_clusters)
    values = _blinking(rng, labels, n_frames)
    values[n_clustered::2, n_frames // 3] = np.nan
    values[n_clustered + 1 :: 2] = 7.0
    movies, rows, cols, source = _movies(rng, kind, n_traces, n_movies)
    ids = tuple(f"{name}:{i}" for i, name in enumerate(source, start=1))
    history = ("box photometry, radius 2 px", "ring background 4-7 px")
    spectrum, fit = _spectra(rng, labels, n_frames)
    return Study(
        settings=Settings().with_values(
            {
                "traces.mode": "pixels" if kind == "pixels" else "emitters",
                "sweep.n_epochs": N_EPOCHS,
                "sweep.k_max": k_max,
                "sweep.seed": seed,
            }
        ),
        movies=movies,
        traces=Traces(values, DT_S, rows, cols, source, ids, history),
        sweeps=_sweeps(rng, n_clustered, n_clusters, k_max, seed),
        decision=_decision(n_clusters),
        scaled=_scaled(values[:n_clustered]),
        labels=labels,
        label_uncertainty=_uncertainties(seed, labels),
        silhouette=_silhouettes(rng, labels),
        outliers=_outliers(seed, labels),
        tests=_cluster_tests(n_clusters),
        spectrum=spectrum,
        fit=fit,
        clusters=_cluster_spectra(labels, n_clusters, spectrum, fit),
        maps=None,
        notes=(f"{n_flagged} of {n_traces} traces hold NaN or never change: not clustered.",),
        timings_s={"read and extract": 1.93, "preprocess": 0.11, "sweep": 2.41, "spectra": 0.52},
        device="cpu",
        versions={"umlpsd_gpu": "0.1.0", "python": "3.11.2", "numpy": np.__version__},
    )


def _silhouettes(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    values = np.clip(rng.normal(0.55, 0.22, len(labels)), -1, 1)
    return np.where((labels > 0) & (labels.max() > 1), values, np.nan)


def _uncertainties(seed: int, labels: np.ndarray) -> np.ndarray:
    """Return small numbers, 0 for a single cluster."""
    found = np.random.default_rng([seed, 1]).beta(0.3, 6, len(labels))
    return np.where(labels > 0, found * (labels.max() > 1), np.nan)


def _outliers(seed: int, labels: np.ndarray) -> Outliers:
    """Return scores of which about a tenth are above the threshold."""
    rng = np.random.default_rng([seed, 2])
    score = np.where(labels > 0, np.abs(rng.normal(0, 1.8, len(labels))), np.nan)
    without = np.where(score <= 3.0, labels, 0).astype(np.int16)
    return Outliers(score, threshold=3.0, false_positive_rate=0.05, labels=without)


def _cluster_tests(n_clusters: int) -> ClusterTests:
    """Return tests by which clusters are apart, and the first has a gap inside."""
    clusters = np.arange(1, n_clusters + 1)
    nearest = np.roll(clusters, 1) if n_clusters > 1 else np.zeros(1)
    divided = clusters == 1
    return ClusterTests(
        nearest=nearest.astype(np.int16),
        gap=np.full(n_clusters, 1.5 if n_clusters > 1 else np.nan),
        apart_p=np.full(n_clusters, 0.01 if n_clusters > 1 else np.nan),
        inner_gap=np.where(divided, 0.7, -0.4),
        one_cloud_p=np.where(divided, 0.02, 0.6),
    )


def _labels_from_largest(rng: np.random.Generator, n: int, n_clusters: int) -> np.ndarray:
    share = np.linspace(1.5, 0.7, n_clusters)
    labels = rng.choice(np.arange(1, n_clusters + 1), size=n, p=share / share.sum())
    labels[:n_clusters] = np.arange(1, n_clusters + 1)
    sizes = np.bincount(labels, minlength=n_clusters + 1)[1:]
    rank = np.empty(n_clusters, dtype=np.int16)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(1, n_clusters + 1)
    return rank[labels - 1]


def _blinking(rng: np.random.Generator, labels: np.ndarray, n_frames: int) -> np.ndarray:
    """Return counts per frame: slow shape of the class × telegraph, Poisson noise."""
    time = np.arange(n_frames) / n_frames
    values = np.empty((len(labels), n_frames))
    for row, label in enumerate(labels):
        shape = (
            np.ones(n_frames),
            np.exp(-time / rng.uniform(0.1, 0.4)),
            0.2 + 0.8 * (1 - np.exp(-time / rng.uniform(0.2, 0.6))),
        )[label % 3]
        flips = rng.random(n_frames) < rng.uniform(0.01, 0.05)
        state = (np.cumsum(flips) + row) % 2
        off = rng.uniform(0.05, 0.4) if label % 3 != 1 else 0.8
        rate = rng.uniform(150, 400) * shape * np.where(state, 1.0, off)
        values[row] = rng.poisson(rate + 5) - 5
    return values.astype(np.float32).astype(np.float64)


def _movies(
    rng: np.random.Generator, kind: Kind, n_traces: int, n_movies: int
) -> tuple[tuple[MovieSummary, ...], np.ndarray, np.ndarray, tuple[str, ...]]:
    if kind == "imported":
        nowhere = np.full(n_traces, np.nan)
        return (), nowhere, nowhere.copy(), ("ensemble.csv",) * n_traces
    names = [f"film_{i}.tif" for i in range(1, n_movies + 1)]
    owner = np.sort(np.arange(n_traces) % n_movies)
    if kind == "pixels":
        rows, cols = _disc_of_pixels(owner, n_movies)
    else:
        rows, cols = rng.uniform(5, 91, n_traces), rng.uniform(5, 123, n_traces)
    movies = tuple(
        MovieSummary(
            name=name,
            mean_image=_mean_image(rng, rows[owner == i], cols[owner == i]),
            dt_origin="measured timestamps (ElapsedTime-ms)",
            dt_nominal_s=0.025,
            pixel_size_um=0.1 if i % 2 == 0 else None,
            verdict="whole" if i == 0 else "truncated: 2000 of 2100 frames are sound",
        )
        for i, name in enumerate(names)
    )
    return movies, rows, cols, tuple(names[i] for i in owner)


def _disc_of_pixels(owner: np.ndarray, n_movies: int) -> tuple[np.ndarray, np.ndarray]:
    """Return whole pixel positions that fill a disc around the middle of each image."""
    grid_rows, grid_cols = np.divmod(np.arange(96 * 128), 128)
    nearest = np.argsort((grid_rows - 48) ** 2 + (grid_cols - 64) ** 2, kind="stable")
    order = np.concatenate([nearest[: np.sum(owner == i)] for i in range(n_movies)])
    return grid_rows[order].astype(float), grid_cols[order].astype(float)


def _mean_image(rng: np.random.Generator, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    image = rng.normal(20, 1.5, (96, 128))
    y, x = np.mgrid[:96, :128]
    for row, col in zip(rows[:400], cols[:400], strict=True):
        image += rng.uniform(20, 90) * np.exp(-((y - row) ** 2 + (x - col) ** 2) / (2 * 1.3**2))
    return image


def _scaled(values: np.ndarray) -> np.ndarray:
    n_bins = values.shape[1] // FRAMES_PER_BIN
    bins = values[:, : n_bins * FRAMES_PER_BIN].reshape(len(values), n_bins, FRAMES_PER_BIN)
    means = bins.mean(axis=2)
    low, high = means.min(axis=1, keepdims=True), means.max(axis=1, keepdims=True)
    return (means - low) / (high - low)


def _sweeps(
    rng: np.random.Generator, n: int, n_clusters: int, k_max: int, seed: int
) -> tuple[Sweep, ...]:
    k_values = np.arange(1, min(k_max, n - 1) + 1)
    quality = [
        max(1.0 - 0.12 * abs(np.log2(_frames_of(scale) / FRAMES_PER_BIN)), 0.15)
        for scale in PAPER_SCALES
    ]
    return tuple(
        _sweep(rng, scale, quality[i], k_values, n, n_clusters, seed)
        for i, scale in enumerate(PAPER_SCALES)
    )


def _frames_of(scale: str) -> int:
    if scale == "raw":
        return 1
    return 2 ** int(scale[2:]) if scale.startswith("WL") else int(scale[1:])


def _sweep(
    rng: np.random.Generator,
    scale: str,
    quality: float,
    k_values: np.ndarray,
    n: int,
    n_clusters: int,
    seed: int,
) -> Sweep:
    shape = (len(k_values), N_EPOCHS)
    k = k_values[:, None]
    beyond = np.clip(k - n_clusters, 0, None)

    def noisy(curve: np.ndarray, spread: float) -> np.ndarray:
        return curve * (1 + spread * rng.standard_normal(shape))

    silhouette = noisy(quality * (0.62 - 0.012 * k) * np.exp(-0.13 * beyond), 0.02)
    calinski = noisy(quality * 300 * np.exp(-0.25 * abs(k - n_clusters)), 0.03)
    ssd = noisy(n * (0.2 / quality + quality / np.minimum(k, n_clusters) - 0.01 * beyond), 0.01)
    wrong = noisy((1.2 - quality) * 8 * (1 - np.exp(-0.4 * (beyond + 0.05))), 0.05)
    below = np.clip(wrong + THRESHOLDS[:, None, None] ** 1.5 * (60 + 2.5 * k), 0, 100)
    for undefined in (silhouette, calinski, wrong):
        undefined[k_values == 1] = np.nan
    below[:, k_values == 1] = np.nan
    return Sweep(
        k_values=k_values,
        labels=(rng.random((*shape, n)) * k[..., None]).astype(np.int16),
        silhouette=silhouette,
        silhouette_stderr=0.0 * silhouette,
        calinski_harabasz=calinski,
        ssd=ssd,
        misclassified_percent=wrong,
        thresholds=THRESHOLDS,
        below_percent=below,
        smallest_cluster_silhouette=silhouette * 0.7,
        separation=silhouette * 4,
        least_separation=silhouette * 3,
        n_iterations=rng.integers(3, 40, shape),
        scale=scale,
        engine="batched",
        silhouette_metric="sqeuclidean",
        seed=seed,
        n_silhouettes=n,
    )


def _spectra(
    rng: np.random.Generator, labels: np.ndarray, n_frames: int
) -> tuple[Spectrum, PowerLawFit]:
    """Return f^-β spectra with the scatter of 20 χ² degrees of freedom; NaN for flagged traces."""
    freqs_hz = np.geomspace(3 / (n_frames * DT_S), 0.4 / DT_S, 60)
    beta = np.array([0.0, 1.35, 0.6, 1.6])[(labels - 1) % 3 + 1] + rng.normal(0, 0.12, len(labels))
    amplitude = rng.lognormal(5, 0.4, len(labels))
    psd = amplitude[:, None] * freqs_hz ** -beta[:, None]
    psd *= rng.chisquare(20, psd.shape) / 20
    stderr = rng.uniform(0.02, 0.06, len(labels))
    flagged = labels == 0
    beta[flagged], stderr[flagged], amplitude[flagged], psd[flagged] = (np.nan,) * 4
    fit = PowerLawFit(
        beta=beta,
        beta_stderr=stderr,
        beta_ci95=np.stack([beta - 2 * stderr, beta + 2 * stderr], axis=1),
        amplitude=amplitude,
        floor=np.where(flagged, np.nan, 0.0),
        knee_hz=np.where(flagged, np.nan, 0.0),
        f_range_hz=(float(freqs_hz[0]), float(freqs_hz[-1])),
        model="power_law",
        trace_models=tuple("" if without else "power_law" for without in flagged),
        fitting="least_squares",
        reduced_chi2=np.where(flagged, np.nan, rng.chisquare(12, len(labels)) / 12),
        p_value=np.where(flagged, np.nan, rng.random(len(labels))),
    )
    return Spectrum(freqs_hz, psd, "log_welch", np.full(60, 20.0), DT_S, n_frames), fit


def _cluster_spectra(
    labels: np.ndarray, n_clusters: int, spectrum: Spectrum, fit: PowerLawFit
) -> ClusterSpectra:
    clusters = np.arange(1, n_clusters + 1)
    sizes = np.array([np.sum(labels == c) for c in clusters])

    def stderr(values: np.ndarray) -> np.ndarray:
        if len(values) < 2:
            return np.full(values.shape[1:], np.nan)
        return values.std(axis=0, ddof=1) / np.sqrt(len(values))

    return ClusterSpectra(
        clusters=clusters,
        n_traces=sizes,
        psd_mean=np.stack([spectrum.psd[labels == c].mean(axis=0) for c in clusters]),
        psd_stderr=np.stack([stderr(spectrum.psd[labels == c]) for c in clusters]),
        n_beta=sizes,
        beta_mean=np.array([fit.beta[labels == c].mean() for c in clusters]),
        beta_stderr=np.array([stderr(fit.beta[labels == c]) for c in clusters]),
    )


def _decision(n_clusters: int) -> KDecision:
    if n_clusters == 1:
        return KDecision(
            k_opt=1,
            scale="W80",
            confidence=0.71,
            confidence_ci95=(np.nan, np.nan),
            votes={"silhouette break": 2, "smallest cluster": 2, "null test": 1},
            rule="votes, guarded by a null of permuted scores",
            reason="No cluster structure: the silhouette at K = 2 is not above that of a null.",
        )
    return KDecision(
        k_opt=n_clusters,
        scale="W80",
        confidence=0.86,
        confidence_ci95=(0.61, 0.96),
        votes={
            "silhouette break": n_clusters,
            "smallest cluster": n_clusters,
            "calinski_harabasz": n_clusters + 1,
        },
        rule="votes, guarded by a null of permuted scores",
        reason=f"The mean silhouette breaks after K = {n_clusters}, and W80 has the largest "
        "silhouette and the fewest misclassified traces there.",
    )


def small_study(**changes: object) -> Study:
    """A study that is quick to write."""
    return make_study(n_traces=23, n_frames=160, k_max=5, **changes)


def with_few_scales(study: Study) -> Study:
    """The same study with four of its scales, whose figures are drawn in less time."""
    kept = tuple(each for each in study.sweeps if each.scale in ("raw", "W20", "W80", "WL6"))
    return replace(study, sweeps=kept)
