"""Super-ellipses fitted to the pixels of particles, against the CPU's."""

from __future__ import annotations

import time

import numpy as np

from gpu import clock
from gpu.proof import Proof
from umlpsd_gpu.shapes.gpu import GpuPixelSums
from umlpsd_gpu.shapes.pixel_fit import fit_shapes
from umlpsd_gpu.simulate.particle_shapes import simulate_shapes

N_SHAPES, PSF_PX = 2_000, 0.8
# Of ln p where both find the same d: sums differ by rounding only
CLOSE = 1e-6


def run(proof: Proof) -> None:
    """Check the shapes, then time both."""
    n = proof.size(N_SHAPES, 3)
    made = simulate_shapes(n_shapes=n, seed=3)
    start = time.perf_counter()
    expected = fit_shapes(made.image, made.labels, PSF_PX)
    on_cpu_s = time.perf_counter() - start
    sums = GpuPixelSums()
    found = fit_shapes(made.image, made.labels, PSF_PX, sums=sums)
    same = found.d == expected.d
    gap = float(np.abs(np.log(found.p[same] / expected.p[same])).max(initial=0.0))
    proof.judge("particles", f"{gap:.1e}", bool(same.all()) and gap <= CLOSE)
    if not same.all():
        proof.note(f"d differs for {np.count_nonzero(~same)} of {n} particles")
    timing = clock.on_device(proof, lambda: fit_shapes(made.image, made.labels, PSF_PX, sums=sums))
    rows = [(f"{n:,} particles", str(timing), f"{on_cpu_s:.2f} s")]
    proof.table("Shapes of particles on the device", ("what", "time", "on this CPU"), rows)
