"""Archives of any size without a movie: rows as a batch's report reads them, and its page."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from umlpsd_gpu.analyses.blinking.analysis import BLINKING
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.protocol import BatchRow
from umlpsd_gpu.batch.entries import Entry
from umlpsd_gpu.batch.report.distributions import distribution_plans
from umlpsd_gpu.batch.report.outlying import spreads_of
from umlpsd_gpu.batch.report.page import render_batch_page
from umlpsd_gpu.batch.report.table import MovieRow
from umlpsd_gpu.batch.status import MovieStatus
from umlpsd_gpu.plotting.figures import draw_figures

FAILED_EVERY, WAITING_EVERY = 50, 70


def make_rows(n, seed=0, hostile="<script>alert(1)<|script>.tif"):
    """Return rows of studies with K = 3 and ⟨β⟩ of about 1.2; the second movie stands out.

    The first has a hostile name; each fiftieth failed, each seventieth waits.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        name = f"day_{i // 100}/region_{i}.tif" if i else hostile
        state = (
            "failed" if i % FAILED_EVERY == 7 else "waiting" if i % WAITING_EVERY == 9 else "done"
        )
        reason = f"truncated: {9000 + i} of 10000 frames are sound" if state == "failed" else ""
        done = state == "done"
        status = MovieStatus(
            f"id{i}", name, state, 1, reason, "node", False, 20 + 5 * rng.random() if done else None
        )
        facts = {"n_frames": 10_000, "dt_s": 0.03}
        entry = Entry(f"id{i}", name, 1, 10**8, f"{i}", 0.0, "whole", "", "10000 frames", facts)
        summary = _summary(rng, 7 if i == 1 else 3, 2.4 if i == 1 else 1.2) if done else {}
        link = f"../results/id{i}/study/report.html" if done else ""
        rows.append(MovieRow(name, status, entry, reason, summary, link))
    return rows


def _summary(rng, k, beta):
    sizes = rng.integers(20, 80, k)
    return {
        "k_opt": k,
        "scale": "W80",
        "confidence": round(float(rng.uniform(0.5, 1)), 3),
        "n_traces": int(sizes.sum()),
        "n_clustered": int(sizes.sum()),
        "clusters": [
            {
                "cluster": c + 1,
                "n_traces": int(size),
                "n_beta": int(size),
                "beta_mean": float(rng.normal(beta, 0.05)),
                "beta_stderr": 0.02,
            }
            for c, size in enumerate(sizes)
        ],
    }


def render_archive(rows, figures=True):
    """Return the page of an archive."""
    manifest = SimpleNamespace(analysis=BLINKING, settings=Settings(), umlpsd_version="test")
    done = [row for row in rows if row.summary]
    spreads = spreads_of(done, BLINKING.batch_columns())
    finished = [BatchRow(row.name, row.summary, row.status.seconds) for row in done]
    plans = [*distribution_plans(done, spreads, "movies"), *BLINKING.batch_figures(finished)]
    plans = plans if figures else []
    return render_batch_page(rows, manifest, draw_figures(plans, finished))


def write_archive(folder, n, figures=False):
    """Write the page where a batch has it, and a stub of the report of the first study."""
    page = Path(folder) / "report" / "report.html"
    page.parent.mkdir()
    page.write_text(render_archive(make_rows(n), figures), encoding="utf-8")
    study = Path(folder) / "results" / "id0" / "study" / "report.html"
    study.parent.mkdir(parents=True)
    study.write_text("<!DOCTYPE html><title>The study</title>", encoding="utf-8")
    return page
