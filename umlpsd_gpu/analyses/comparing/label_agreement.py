"""How two results group the same items, and which clusters correspond."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from umlpsd_gpu.analyses.comparing.common_items import CommonItems, Items
from umlpsd_gpu.analyses.comparing.comparison import Agreement, ClusterMatch
from umlpsd_gpu.decision.adjusted_rand import adjusted_rand


def compare_labels(first: Items, second: Items, common: CommonItems, items: str) -> Agreement:
    """Compare the labels of common items.

    Parameters
    ----------
    first, second : Items
    common : CommonItems
    items : str
        What they are, in the plural.

    Returns
    -------
    Agreement
    """
    labels = np.stack([first.labels[common.first], second.labels[common.second]]).astype(np.int64)
    labels = labels[:, (labels > 0).all(axis=0)]
    n_common = labels.shape[1]
    k_first, k_second = (int(each.labels.max(initial=0)) for each in (first, second))
    counts = np.zeros((k_first, k_second), dtype=np.int64)
    np.add.at(counts, (labels[0] - 1, labels[1] - 1), 1)
    rand = float(adjusted_rand(labels - 1)[0, 1]) if n_common > 1 else float("nan")
    return Agreement(
        items=items,
        matched_by=common.matched_by,
        n_common=n_common,
        n_only_first=int(np.count_nonzero(first.labels > 0)) - n_common,
        n_only_second=int(np.count_nonzero(second.labels > 0)) - n_common,
        adjusted_rand=rand,
        matches=match_clusters(counts),
        counts=counts.tolist(),
    )


def match_clusters(counts: np.ndarray) -> tuple[ClusterMatch, ...]:
    """Match clusters one to one so that matched ones share the most items (Hungarian method).

    Parameters
    ----------
    counts : ndarray, shape (k_first, k_second), int
        Common items by cluster.

    Returns
    -------
    tuple of ClusterMatch
        Clusters that share nothing with theirs are left out.
    """
    rows, columns = linear_sum_assignment(counts, maximize=True)
    return tuple(
        ClusterMatch(
            int(row) + 1,
            int(column) + 1,
            int(counts[row].sum()),
            int(counts[:, column].sum()),
            int(counts[row, column]),
        )
        for row, column in zip(rows, columns, strict=True)
        if counts[row, column]
    )


def unmatched_notes(agreement: Agreement) -> list[str]:
    """Return a note for clusters without a counterpart, and for items that one result lacks.

    Parameters
    ----------
    agreement : Agreement

    Returns
    -------
    list of str
    """
    notes = []
    sides = (
        ("A", len(agreement.counts), {match.first for match in agreement.matches}),
        (
            "B",
            len(agreement.counts[0]) if agreement.counts else 0,
            {match.second for match in agreement.matches},
        ),
    )
    for name, k, matched in sides:
        alone = [str(number) for number in range(1, k + 1) if number not in matched]
        if alone:
            plural = "s" * (len(alone) > 1)
            notes.append(
                f"Cluster{plural} {', '.join(alone)} of {name} ha{'ve' if plural else 's'} "
                "no counterpart."
            )
    for name, n in (("A", agreement.n_only_first), ("B", agreement.n_only_second)):
        if n:
            notes.append(f"{n:,} {agreement.items} are clustered in {name} only.")
    return notes
