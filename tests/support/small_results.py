"""A small real result of every analysis, made once for all tests of a process."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import tifffile

import umlpsd_gpu as um
from tests.analyses.curves.maps import simulated_map
from umlpsd_gpu.analyses.spectrum_images.spectrum_image import SpectrumImage
from umlpsd_gpu.images.micrograph import Micrograph
from umlpsd_gpu.simulate.micrographs import simulate_micrograph
from umlpsd_gpu.simulate.particles import simulate_particles
from umlpsd_gpu.simulate.spectrum_images import simulate_spectrum_image
from umlpsd_gpu.simulate.traces import simulate_traces

ANALYSES = ("blinking", "curves", "spectrum_images", "micrographs", "particles")


@cache
def small_result(analysis: str, seed: int = 0):
    """Return a result of an analysis; another seed is that of the analysis, not of the data."""
    return _MAKERS[analysis](seed)


def _blinking(seed):
    traces = simulate_traces({"PEB": 12, "PBB": 12, "TSB": 10}, n_frames=1200).traces
    scales = ("raw", "W20", "W40", "WL3")
    return um.run_study(traces, scales=scales, k_max=5, n_epochs=10, seed=seed)


def _curves(seed):
    curves, _ = simulated_map(hysteresis_v=0.02)
    return um.run_curves(curves, k_max=4, n_epochs=5, n_resamples=4, n_surrogates=1, seed=seed)


def _spectrum_image(seed):
    made = simulate_spectrum_image(n_rows=16, n_columns=16, counts_per_pixel=800)
    image = SpectrumImage(made.counts, made.axis, made.conditions)
    quick = {"n_restarts": 3, "k_max": 3, "n_noise_draws": 3, "elements": ("In", "Sb", "Au")}
    return um.run_spectrum_image(image, **quick, seed=seed)


def _micrograph(seed):
    scene = simulate_micrograph(n_grains=2, size=320, seed=1)
    micrograph = Micrograph(scene.image, pixel_size_m=2e-11, pixel_size_origin="given")
    return um.run_micrograph(micrograph, window=64, n_restarts=4, seed=seed)


def _particles(seed):
    scene = simulate_particles(
        "isolated",
        n_particles=15,
        n_rows=300,
        n_columns=300,
        diameter_px=24.0,
        has_annotations=False,
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "particles.tif"
        tifffile.imwrite(path, scene.image)
        return um.run_particles(
            path, nm_per_px=0.2, k_max=4, n_epochs=8, n_size_resamples=100, seed=seed
        )


_MAKERS = dict(
    zip(ANALYSES, (_blinking, _curves, _spectrum_image, _micrograph, _particles), strict=True)
)
