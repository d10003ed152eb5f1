"""Predict the memory and time of a study."""

from __future__ import annotations

from umlpsd_gpu.analyses.protocol import Prediction
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.traces.traces import Traces

# Measured on 2 cores with default settings: movies of 4.2 GB
# extracted in 6.6 s; 200 traces of 6,000 frames swept over 18 scales and decided in 1.8 s (without
# compiled kernels 60 to 204 traces in 1.7 to 3.6 s); figures and report drawn and written in 3.8 s
# by one process; 0.23 GB for 1,000 frames, and for longer traces 5 to 6 times their float64 values
# on top. Images of the size of a frame, in detection and figures, take 97 to 136 bytes for each
# pixel and, the more the fewer frames there are, 0.2 to 3 µs (benchmarks/results/prediction.md).
EXTRACTION_MB_PER_S = 600.0
SWEEP_S, REPORT_S = 2.5, 4.5
BASE_MB, N_COPIES_OF_TRACES, BYTES_PER_PIXEL = 235.0, 6, 100
# Half of the time for images is spent in detection, half in figures.
S_PER_PIXEL = 2e-6
# Spectra and smoothing of long traces
S_PER_VALUE = 1e-6
N_TYPICAL_EMITTERS = 100


def movie_mb(movie: Movie) -> float:
    """Return the size of all frames of a movie, in MB.

    Parameters
    ----------
    movie : Movie

    Returns
    -------
    float
    """
    return movie.n_frames * movie.n_rows * movie.n_cols * movie.dtype.itemsize / 1e6


def predict(movie: Movie, with_report: bool = True) -> Prediction:
    """Predict memory and time of a study from the header of a movie.

    Parameters
    ----------
    movie : Movie
    with_report : bool
        Whether figures and report are drawn.

    Returns
    -------
    Prediction
    """
    traces_mb = N_TYPICAL_EMITTERS * movie.n_frames * 8 / 1e6
    n_pixels = movie.n_rows * movie.n_cols
    images_s = n_pixels * S_PER_PIXEL
    traces_s = N_TYPICAL_EMITTERS * movie.n_frames * S_PER_VALUE
    return Prediction(
        memory_mb=BASE_MB + N_COPIES_OF_TRACES * traces_mb + BYTES_PER_PIXEL * n_pixels / 1e6,
        duration_s=movie_mb(movie) / EXTRACTION_MB_PER_S
        + SWEEP_S
        + traces_s
        + (REPORT_S + images_s if with_report else images_s / 2),
    )


def predict_traces(traces: Traces, with_report: bool = True) -> Prediction:
    """Predict memory and time of a study of finished traces.

    Parameters
    ----------
    traces : Traces
    with_report : bool
        Whether figures and report are drawn.

    Returns
    -------
    Prediction
    """
    traces_mb = traces.values.size * 8 / 1e6
    return Prediction(
        memory_mb=BASE_MB + N_COPIES_OF_TRACES * traces_mb,
        duration_s=SWEEP_S + (REPORT_S if with_report else 0.0),
    )
