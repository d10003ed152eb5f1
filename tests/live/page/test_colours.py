"""Colours stay with the members of a cluster."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from tests.support.live_snapshots import decided, study_at
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.live.page.colours import ClusterColours, same_emitters
from umlpsd_gpu.live.snapshot import Decided


def with_labels(labels: list[int] | np.ndarray) -> Study:
    """Return a study of 48 emitters with other labels."""
    return replace(study_at(2000), labels=np.asarray(labels, dtype=np.int16))


def colours_of_emitters(study: Study, colours: tuple[int, ...]) -> np.ndarray:
    return np.array([0, *colours])[study.labels]


FIRST = np.repeat([1, 2, 3], [20, 16, 12])


def test_the_first_study_has_the_colours_of_its_numbers() -> None:
    assert ClusterColours().follow(with_labels(FIRST)) == (1, 2, 3)


def test_a_renumbered_cluster_keeps_its_colour() -> None:
    colours = ClusterColours()
    colours.follow(with_labels(FIRST))
    assert colours.follow(with_labels(np.array([0, 3, 1, 2])[FIRST])) == (2, 3, 1)


def test_a_cluster_that_splits_and_joins_again() -> None:
    colours = ClusterColours()
    two = with_labels(np.where(FIRST == 3, 2, FIRST))
    assert colours.follow(two) == (1, 2)
    # the smaller part of cluster 2 is new
    assert colours.follow(with_labels(FIRST)) == (1, 2, 3)
    assert colours.follow(two) == (1, 2)
    # now the part that had colour 2 is the smallest
    assert colours.follow(with_labels(np.repeat([1, 3, 2], [20, 10, 18]))) == (1, 2, 3)


def test_as_many_emitters_as_possible_keep_their_colour() -> None:
    colours = ClusterColours()
    before = study_at(1000)
    old = colours_of_emitters(before, colours.follow(before))
    for n_frames in (1500, 2000):
        study = study_at(n_frames)
        found = colours.follow(study)
        kept = np.sum(colours_of_emitters(study, found) == old)
        k = int(study.labels.max())
        best = max(
            np.sum(np.array([0, *trial])[study.labels] == old)
            for trial in permutations(range(1, max(k, int(old.max())) + 1), k)
        )
        assert kept == best
        assert len(set(found)) == k
        old = colours_of_emitters(study, found)


def test_emitters_are_matched_by_place_when_a_new_detection_renames_them() -> None:
    study = study_at(2000)
    order = np.random.default_rng(0).permutation(48)
    moved = replace(
        study.traces, rows=study.traces.rows[order] + 0.4, cols=study.traces.cols[order] - 0.3
    )
    here, before = same_emitters(moved, study.traces)
    np.testing.assert_array_equal(before, order[here])
    colours = ClusterColours()
    colours.follow(with_labels(FIRST))
    renamed = replace(
        study, traces=moved, labels=np.array([0, 2, 3, 1], dtype=np.int16)[FIRST[order]]
    )
    assert colours.follow(renamed) == (3, 1, 2)


def test_emitters_without_a_place_are_matched_by_name() -> None:
    traces = study_at(2000).traces
    nowhere = replace(traces, rows=np.full(48, np.nan))
    here, before = same_emitters(nowhere.select(np.arange(5, 48)), nowhere)
    np.testing.assert_array_equal(before, here + 5)


@pytest.mark.parametrize("labels", [np.zeros(48), np.ones(48)])
def test_studies_without_clusters(labels: np.ndarray) -> None:
    colours = ClusterColours()
    n = int(labels.max())
    assert colours.follow(with_labels(labels)) == tuple(range(1, n + 1))
    assert colours.follow(with_labels(FIRST)) == (1, 2, 3)
    assert len(colours.follow(with_labels(labels))) == n


def test_history_remembers_what_was_followed_and_matches_the_rest_by_beta() -> None:
    def entry(n_frames: int, betas: tuple[float, ...], sizes: tuple[int, ...]) -> Decided:
        return Decided(n_frames, len(betas), 0.9, sizes, betas, (0.1,) * len(betas))

    never_followed = entry(100, (0.5, 1.5, float("nan"), 1.0), (1, 1, 1, 1))
    first = entry(200, (1.5, 1.0, 0.5), (20, 16, 12))
    second = entry(300, (0.5, 1.5, 1.0), (20, 16, 12))
    colours = ClusterColours()
    colours.follow(with_labels(FIRST), [never_followed, first])
    # the same members under other numbers: 2 → 1, 3 → 2, 1 → 3
    renumbered = with_labels(np.array([0, 3, 1, 2])[FIRST])
    second = replace(second, sizes=(16, 12, 20))
    colours.follow(renumbered, [never_followed, first, second])
    found = colours.of_history([never_followed, first, second])
    assert found[1:] == [(1, 2, 3), (2, 3, 1)]
    # by ⟨β⟩ of the next decision: 0.5 → 3, 1.5 → 1, 1.0 → 2; the unknown one gets a free colour
    assert found[0] == (3, 1, 4, 2)


def test_decisions_of_real_studies_are_remembered() -> None:
    colours = ClusterColours()
    history = [decided(study_at(n)) for n in (1000, 1500, 2000)]
    followed = [
        colours.follow(study_at(n), history[: i + 1]) for i, n in enumerate((1000, 1500, 2000))
    ]
    assert colours.of_history(history) == followed
