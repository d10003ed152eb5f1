"""Sentences of methods sections that several analyses share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from umlpsd_gpu.decision.result import KDecision
from umlpsd_gpu.factorisation.result import Factorisation, RankDecision
from umlpsd_gpu.kmeans.result import Sweep

UMLPSD = "mukherjee2026"
_ENGINES = {
    "sklearn": "scikit-learn {scikit-learn} [@pedregosa2011]",
    "cuml": "RAPIDS cuML [@raschka2020]",
}


def join_words(words: Sequence[object], last: str = "and") -> str:
    """Return words as a list in a sentence.

    Parameters
    ----------
    words : sequence
    last : str
        Word before the last one.

    Returns
    -------
    str

    Examples
    --------
    >>> join_words([3, 4, 5])
    '3, 4 and 5'
    """
    *first, end = map(str, words)
    return f"{', '.join(first)} {last} {end}" if first else end


def plural(n: int, noun: str) -> str:
    """Return a number with its noun.

    Parameters
    ----------
    n : int
    noun : str
        In the singular, with a regular plural.

    Returns
    -------
    str
    """
    return f"{n:,} {noun}{'s' * (n != 1)}"


def software_sentence(result: Any, what: str, cited: Sequence[str] = ()) -> str:
    """Say which program did the work.

    Parameters
    ----------
    result : Result
    what : str
        What was analysed, in the plural.
    cited : sequence of str
        Keys of the papers whose method it follows.

    Returns
    -------
    str
    """
    follows = f", following the method of [@{'; @'.join(cited)}]" if cited else ""
    return f"{what} were analysed with umlpsd_gpu {version_of(result)} [@umlpsd_gpu]{follows}."


def version_of(result: Any) -> str:
    """Return the version of this package that made a result.

    Parameters
    ----------
    result : Result

    Returns
    -------
    str
    """
    return str(result.versions.get("umlpsd_gpu", "of unknown version"))


def sweep_sentences(
    sweeps: Sequence[Sweep], settings: Any, versions: dict[str, str], items: str, forms: str
) -> Iterator[str]:
    """Say how K-means was run and how its partitions were judged.

    Parameters
    ----------
    sweeps : sequence of Sweep
    settings : AnalysisSettings
    versions : dict of str to str
    items : str
        What was clustered, in the plural.
    forms : str
        In what each sweep was done, as "smoothing scale".

    Yields
    ------
    str
    """
    first = sweeps[0]
    low, high = int(first.k_values.min()), int(first.k_values.max())
    each = f" at each {forms}" if len(sweeps) > 1 else ""
    engine = _ENGINES.get(first.engine, "").format_map({"scikit-learn": "", **versions})
    by = f" by {' '.join(engine.split())}" if engine else ""
    yield (
        f"The {items} were grouped by K-means [@lloyd1982] with squared Euclidean distances and "
        f"k-means++ starts [@arthur2007]{by} into K = {low}…{high} clusters{each}, "
        f"{plural(first.n_epochs, 'time')} for every K from independent starts (at most "
        f"{plural(settings.sweep.max_iter, 'iteration')}; seed {first.seed})."
    )
    distance = "squared Euclidean" if first.silhouette_metric == "sqeuclidean" else "Euclidean"
    n_items = int(first.labels.shape[-1])
    sample = (
        f", for a random sample of {first.n_silhouettes:,} of the {n_items:,} {items}"
        if first.n_silhouettes < n_items
        else ""
    )
    yield (
        f"Every partition was characterised by its silhouettes [@rousseeuw1987] with {distance} "
        f"distances{sample}, the Calinski–Harabasz index [@calinski1974] and the sum of squared "
        "distances to the centroids."
    )


def decision_sentences(decision: KDecision, settings: Any, items: str, scale: str) -> Iterator[str]:
    """Say how K was decided, and the result.

    Parameters
    ----------
    decision : KDecision
    settings : AnalysisSettings
    items : str
        What was clustered, in the plural.
    scale : str
        The chosen representation in words; empty if there is only one.

    Yields
    ------
    str
    """
    at = f" {scale}" if scale else ""
    low, high = decision.confidence_ci95
    interval = "" if math.isnan(low) else f" (95 % interval {low:.2f}…{high:.2f})"
    if decision.evidence.k_values.size:
        yield (
            "The number of clusters was decided as the largest K whose clusters are all found "
            f"again by {settings.decision.n_resamples} random halves of the {items} (Jaccard "
            "similarity [@hennig2007] and prediction strength [@tibshirani2005]) and whose "
            "borders are less populated than their centres; the probability of each K was "
            "calibrated on simulated ensembles."
        )
        sure = f"with a probability of {decision.confidence:.2f}{interval}"
    else:
        yield f"The number of clusters was decided by the rule '{decision.rule}'."
        sure = f"with a confidence of {decision.confidence:.2f}{interval}"
    if decision.is_undecided:
        yield (
            f"No number of clusters was decided with a confidence of 0.5 or more; K = "
            f"{decision.k_opt}{at} is reported ({decision.confidence:.2f}{interval})."
        )
    else:
        yield f"This gave K = {decision.k_opt}{at}, {sure}."
    if "gap statistic" in decision.votes:
        yield (
            f"The gap statistic [@tibshirani2001] with {settings.decision.n_surrogates} simulated "
            "ensembles without clusters for each sweep, alone, gives K = "
            f"{decision.votes['gap statistic']}."
        )


def label_sentence(items: str) -> str:
    """Say which partition is final, and what each label's uncertainty is.

    Parameters
    ----------
    items : str
        What was clustered, in the plural.

    Returns
    -------
    str
    """
    return (
        "Reported labels are those of the run with the smallest sum of squared distances; the "
        f"label uncertainty of one of the {items} is the weighted share of runs that assign it to "
        "another cluster."
    )


def factorisation_sentences(
    factors: Factorisation, decision: RankDecision, seed: int, n_restarts: int
) -> Iterator[str]:
    """Say how a matrix was factorised, and how well.

    Parameters
    ----------
    factors : Factorisation
    decision : RankDecision
    seed : int
    n_restarts : int
        Starts of the factorisation that were asked for.

    Yields
    ------
    str
    """
    polish = (
        ", then the Kullback–Leibler divergence by multiplicative updates [@lee2001]"
        if factors.loss == "poisson"
        else ""
    )
    yield (
        "Non-negative matrix factorisation minimised the sum of squares by hierarchical "
        f"alternating least squares [@cichocki2009]{polish}; the best of "
        f"{plural(n_restarts, 'start')} (seed {seed}) was taken."
    )
    ends = "converged" if factors.is_converged else "did not converge"
    yield (
        f"The factorisation {ends} (KKT residual {factors.kkt_residual:.1e}, relative error "
        f"{factors.relative_error:.3g}); components of other starts agree with a median cosine of "
        f"{join_words([f'{value:.3f}' for value in factors.stability])}."
    )
    if decision.k != factors.k:
        yield f"The number of components ({factors.k}) was given, not decided."


def computing_sentence(result: Any, cited: dict[str, str]) -> str:
    """Say on what was computed, with the versions of the libraries.

    Parameters
    ----------
    result : Result
    cited : dict of str to str
        Key of the reference by the name of the package, as in ``result.versions``.

    Returns
    -------
    str
    """
    versions = result.versions
    named = [f"{name} {versions[name]} [@{key}]" for name, key in cited.items() if name in versions]
    if "cupy" in versions:
        named.append(f"CuPy {versions['cupy']} [@okuta2017]")
    device = f"a GPU ({versions.get('card', 'unknown')})" if result.device == "gpu" else "the CPU"
    python = f"Python {versions['python']}" if "python" in versions else "Python"
    return f"Computations ran on {device} in {python} with {join_words(named)}."


NUMPY_SCIPY = {"numpy": "harris2020", "scipy": "virtanen2020"}
