"""Local spectra of a micrograph, and the starts of its factorisation, against the CPU's."""

from __future__ import annotations

import numpy as np

from gpu import clock
from gpu.proof import Proof
from umlpsd_gpu.factorisation.factorise import FactorisationOptions, factorise
from umlpsd_gpu.images.windowed_fft import windowed_spectra
from umlpsd_gpu.simulate.micrographs import simulate_micrograph

SIZE, WINDOW, N_GRAINS, N_STARTS = 2_000, 128, 4, 100
# relative to the largest amplitude, single precision
CLOSE = 1e-5
# of components, relative to their largest element: starts are followed in single precision
SIMILAR = 1e-3


def run(proof: Proof) -> None:
    """Check spectra and components, then time both."""
    cupy = proof.cupy
    window, n_grains = proof.size(WINDOW, 32), proof.size(N_GRAINS, 2)
    scene = simulate_micrograph(n_grains=n_grains, size=proof.size(SIZE, 160), seed=1)
    image = cupy.asarray(scene.image)
    expected = windowed_spectra(scene.image, window, window // 2).amplitudes
    found = windowed_spectra(image, window, window // 2).amplitudes
    gap = float(np.abs(cupy.asnumpy(found) - expected).max() / expected.max())
    proof.judge("micrographs", f"{gap:.1e}", gap <= CLOSE)
    options = FactorisationOptions(n_restarts=proof.size(N_STARTS, 3))
    here, there = factorise(expected, n_grains, options), factorise(found, n_grains, options)
    distance = np.abs(cupy.asnumpy(there.components) - here.components).max()
    similar = float(distance / here.components.max())
    if similar > SIMILAR:
        proof.note(f"components differ by {similar:.1e} from the CPU's; limit {SIMILAR:g}")
    spectra = clock.on_device(proof, lambda: windowed_spectra(image, window, window // 2))
    starts = clock.on_device(proof, lambda: factorise(found, n_grains, options))
    size = f"{scene.image.shape[0]} × {scene.image.shape[1]}"
    rows = [
        (f"spectra of windows of {window}", size, str(spectra)),
        (
            f"{options.n_restarts} starts, K = {n_grains}, to convergence",
            f"{found.shape[0]} × {found.shape[1]}",
            str(starts),
        ),
    ]
    proof.table("Micrographs on the device", ("what", "size", "time"), rows)
