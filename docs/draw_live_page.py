"""Draws docs/images/live_page.png from a simulated run: PYTHONPATH=. python docs/draw_live_page.py

Needs Playwright and a Chromium, as the tests do.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.browser import open_browser
from tests.support.live_page import LivePage
from tests.support.live_snapshots import decided
from umlpsd_gpu import run_study
from umlpsd_gpu.live.page.server import PageServer
from umlpsd_gpu.live.snapshot import Alarm, Snapshot
from umlpsd_gpu.simulate.traces import simulate_traces

PICTURE = Path(__file__).resolve().parent / "images" / "live_page.png"
DT_S, SIDE_PX = 0.03, 256
DECISIONS, N_FRAMES = (600, 1200, 2000, 2800), 2900
N_SIMULATED = 4500
ALARM = Alarm("bleaching", 2200, "the mean intensity has fallen by 38 % since the first 300 frames")


def main() -> None:
    """Publish the snapshots of a run and take the picture."""
    server = PageServer()
    with open_browser() as browser:
        size = {"width": 1280, "height": 1350}
        live = LivePage(browser, server, viewport=size)
        for shown in make_run():
            live.publish(shown)
        live.page.wait_for_timeout(1500)
        picture = Image.open(io.BytesIO(live.page.screenshot()))
    server.stop()
    picture.convert("RGB").quantize(128).save(PICTURE, optimize=True)


def make_run() -> list[Snapshot]:
    """Return a snapshot at each decision, and a last one."""
    traces = simulate_traces(n_frames=N_SIMULATED, dt_s=DT_S, seed=0).traces
    n = traces.n_traces
    rng = np.random.default_rng(1)
    rows, cols = np.stack(np.divmod(np.arange(n), 15)) * 16.5 + rng.uniform(8, 16, (2, n))
    ids = tuple(f"film.tif:{i}" for i in range(n))
    mixed = traces.values[rng.permutation(n)]
    traces = replace(traces, values=mixed, rows=rows, cols=cols, ids=ids, source=("film.tif",) * n)
    image = rng.poisson(40, (SIDE_PX, SIDE_PX)) / 2.0
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    for row, col, counts in zip(rows, cols, traces.values.mean(axis=1), strict=True):
        image += 0.3 * counts * np.exp(-((y - row) ** 2 + (x - col) ** 2) / (2 * 1.4**2))
    scales = ("W10", "W20", "W40", "W80")
    made, history = [], []
    for number, n_frames in enumerate((*DECISIONS, N_FRAMES), start=1):
        so_far = replace(traces, values=traces.values[:, :n_frames])
        if n_frames in DECISIONS:
            study = run_study(so_far, scales=scales, k_max=10, n_epochs=20, n_resamples=10)
            history.append(decided(study))
        made.append(
            Snapshot(number, "recording", "film.tif", n_frames, n_frames + 9, DT_S, 0.3, image,
                     so_far, study, tuple(history), (ALARM,))
        )  # fmt: skip
    return made


if __name__ == "__main__":
    main()
