"""Figure: principal components of the windows against those of surrogates; fits of all starts."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from umlpsd_gpu.analyses.micrographs.result import MicrographStudy
from umlpsd_gpu.factorisation.surrogate_rank import SIGNIFICANCE
from umlpsd_gpu.plotting.style import ACCENT, FLAGGED, PALETTE

TITLE = "Is something local?"
CAPTION = (
    "Left: variances of the principal components of the windows; a component that is larger than "
    "the range of images with the same spectrum and random phases (grey: smallest to largest) is "
    "local. Right: error of every start of the factorisation above the best."
)


def draw_evidence(study: MicrographStudy) -> Figure:
    """Draw variances of the image and its surrogates, and the fits of all starts.

    Parameters
    ----------
    study : MicrographStudy

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(10, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    curves = study.decision.curves
    variances = curves["variance"]
    unit = float(curves["surrogates"].mean())
    numbers = np.arange(1, variances.size + 1)
    lowest, highest = curves["lowest surrogate"] / unit, curves["highest surrogate"] / unit
    left.fill_between(numbers, lowest, highest, color=FLAGGED, alpha=0.5, lw=0, label="surrogates")
    n_local = int(np.argmax(np.append(curves["p-value"], 1.0) > SIGNIFICANCE))
    left.plot(numbers, variances / unit, "-o", color=PALETTE[0], ms=4, label="image")
    left.plot(numbers[:n_local], variances[:n_local] / unit, "o", color=ACCENT, ms=6, label="local")
    left.set_yscale("log")
    left.set_xlabel("principal component")
    left.set_ylabel("variance / largest of surrogates")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.legend()
    objectives = np.sort(study.factors.restart_objectives)
    above = objectives / objectives[0] - 1
    right.plot(np.arange(1, above.size + 1), 100 * above, "o", color=PALETTE[0], ms=4)
    right.set_xlabel("start, in the order of its fit")
    right.set_ylabel("sum of squares above the best (%)")
    right.set_ylim(bottom=min(-0.02, -0.05 * 100 * float(above.max())))
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
