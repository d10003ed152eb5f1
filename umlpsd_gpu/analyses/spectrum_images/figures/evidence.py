"""Figure: how many components there are: singular values, count splitting, fits and stability."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from umlpsd_gpu.analyses.spectrum_images.result import SpectrumImageStudy
from umlpsd_gpu.plotting.style import ACCENT, FLAGGED, PALETTE

TITLE = "How many components?"
CAPTION = (
    "Left: prediction of a random tenth of the counts by the components of the others (least: "
    "enough components). Middle: error of the fit with 1, 2, … components. Right: cosine of the "
    "least stable component between starts. Orange: the number that is shown."
)


def draw_evidence(study: SpectrumImageStudy) -> Figure:
    """Draw the evidence for the number of components.

    Parameters
    ----------
    study : SpectrumImageStudy

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(10, 2.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    loss = np.asarray(study.decision.curves["count splitting"])
    spread = float(np.ptp(loss)) or 1.0
    left.plot(np.arange(1, loss.size + 1), (loss - loss.min()) / spread, "-o", ms=4)
    left.set_ylabel("error of prediction (scaled)")
    numbers = np.arange(1, study.sweep.relative_errors.size + 1)
    middle.plot(numbers, study.sweep.relative_errors, "-o", ms=4, color=PALETTE[0])
    middle.set_ylabel("relative error")
    right.plot(numbers, study.sweep.stability, "-o", ms=4, color=PALETTE[0])
    right.set_ylim(min(0.5, float(study.sweep.stability.min()) - 0.05), 1.02)
    right.set_ylabel("stability")
    for axes in (left, middle, right):
        axes.axvline(study.k, color=ACCENT, lw=1.2, zorder=0)
        axes.set_xlabel("components")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color=FLAGGED, alpha=0.2, lw=0.4)
    return figure
