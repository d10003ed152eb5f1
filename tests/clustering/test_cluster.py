"""A clustering of plain matrices: known answers, refusals, and the same bits on any threads."""

import dataclasses

import numpy as np
import pytest

from umlpsd_gpu.clustering.cluster import Clustering, cluster
from umlpsd_gpu.clustering.representations import Representations
from umlpsd_gpu.compute.context import Context
from umlpsd_gpu.errors import SettingsError, TracesError, UmlpsdError
from umlpsd_gpu.settings import AnalysisSettings

QUICK = AnalysisSettings(device="cpu").with_values(
    {"sweep.k_max": 6, "sweep.n_epochs": 60, "decision.n_resamples": 20, "n_threads": 2}
)
SIZES = (30, 24, 16)


def clouds(sizes=SIZES, n_columns=6, distance=6.0, seed=0):
    """Return Gaussian clouds along the diagonal of a space, shuffled, and the class of each row."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = distance * np.arange(len(sizes))[:, None] / np.sqrt(n_columns)
    matrix = 2 * centres[classes] + rng.standard_normal((classes.size, n_columns))
    return matrix, classes


def noise(n_items=70, n_columns=6, seed=1):
    return np.random.default_rng(seed).standard_normal((n_items, n_columns))


@pytest.fixture(scope="module")
def three():
    matrix, classes = clouds()
    return cluster({"raw": matrix}, QUICK), matrix, classes


class TestThreeClouds:
    def test_number_and_labels(self, three):
        found, matrix, classes = three
        assert found.decision.k_opt == 3
        assert found.decision.scale == "raw"
        # the largest cluster is 1, and every cloud is a cluster
        np.testing.assert_array_equal(found.labels, classes + 1)
        assert found.labels.dtype == np.int16
        np.testing.assert_array_equal(found.matrix, matrix)

    def test_what_is_said_of_each_item(self, three):
        found, _, classes = three
        assert found.silhouette.shape == found.label_uncertainty.shape == classes.shape
        assert found.silhouette.min() > 0.5
        assert found.label_uncertainty.max() < 0.05
        assert found.outliers.score.shape == classes.shape
        assert found.outliers.is_outlier.mean() <= 0.15
        kept = found.outliers.labels > 0
        np.testing.assert_array_equal(found.outliers.labels[kept], found.labels[kept])

    def test_sweep(self, three):
        found, _, classes = three
        (sweep,) = found.sweeps
        assert sweep.scale == "raw"
        assert sweep.labels.shape == (6, 60, classes.size)
        np.testing.assert_array_equal(sweep.k_values, range(1, 7))


def test_order_of_the_items_does_not_matter(three):
    _, matrix, classes = three
    order = np.random.default_rng(3).permutation(len(matrix))
    found = cluster({"raw": matrix[order]}, QUICK)
    np.testing.assert_array_equal(found.labels, classes[order] + 1)


@pytest.mark.parametrize(
    "names",
    [
        ("noise", "signal"),
        ("signal", "noise"),
        ("noise", "signal", "part"),
        ("part", "noise", "signal"),
    ],
)
def test_of_noise_and_signal_the_signal_is_chosen(names):
    matrix, classes = clouds()
    matrices = {"noise": noise(len(matrix), 40), "signal": matrix, "part": matrix[:, :2]}
    found = cluster({name: matrices[name] for name in names}, QUICK)
    assert (found.decision.scale, found.decision.k_opt) == ("signal", 3)
    np.testing.assert_array_equal(found.labels, classes + 1)
    np.testing.assert_array_equal(found.matrix, matrix)
    assert [sweep.scale for sweep in found.sweeps] == list(names)


def test_one_cloud_is_one_cluster():
    found = cluster({"raw": noise()}, QUICK)
    assert found.decision.k_opt == 1
    assert (found.labels == 1).all()
    assert np.isnan(found.silhouette).all()
    assert (found.label_uncertainty == 0).all()


class TestRefusals:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_values_that_are_not_finite(self, bad):
        matrix, _ = clouds()
        matrix[5, 2] = bad
        with pytest.raises(TracesError, match=r"^1 of 70 curves hold NaN, infinities or "):
            cluster({"raw": matrix}, QUICK)

    @pytest.mark.parametrize(
        ("matrices", "says"),
        [
            ({"a": noise(20), "b": noise(21)}, r"'a': \(20, 6\), 'b': \(21, 6\)"),
            ({"a": noise(20)[0]}, r"'a': \(6,\)"),
            ({"a": noise(20), "b": noise(20)[:, :0]}, r"'b': \(20, 0\)"),
            ({"a": noise(0)}, r"'a': \(0, 6\)"),
            ({}, "got {"),
        ],
    )
    def test_matrices_that_do_not_belong_together(self, matrices, says):
        with pytest.raises(SettingsError, match=rf"^representations must [^\n]*{says}}}?$"):
            cluster(matrices, QUICK)

    def test_columns_may_differ(self):
        found = Representations.of_matrices({"a": noise(20, 3), "b": noise(20, 9)})
        assert (found.names, found.n_curves, found.n_points) == (("a", "b"), 20, 9)
        assert not found.is_on_device

    def test_a_single_item(self):
        with pytest.raises(UmlpsdError):
            cluster({"raw": noise(1)}, QUICK)


def test_two_items_are_one_cluster():
    assert cluster({"raw": noise(2)}, QUICK).labels.tolist() == [1, 1]


class TestOutliers:
    def test_a_trait_finds_an_item_that_its_row_does_not_show(self):
        matrix, classes = clouds((40, 40))
        trait = classes + np.random.default_rng(5).normal(0, 0.05, classes.size)
        trait[7] = 9.0
        without = cluster({"raw": matrix}, QUICK)
        with_trait = cluster({"raw": matrix}, QUICK, trait=trait)
        np.testing.assert_array_equal(without.labels, with_trait.labels)
        assert with_trait.outliers.is_outlier[7]
        assert with_trait.outliers.score.argmax() == 7
        assert not without.outliers.is_outlier[7]
        assert with_trait.outliers.labels[7] == 0

    def test_an_unknown_trait_is_no_outlier(self):
        matrix, classes = clouds((40, 40))
        trait = classes + np.random.default_rng(5).normal(0, 0.05, classes.size)
        trait[7] = np.nan
        found = cluster({"raw": matrix}, QUICK, trait=trait)
        assert np.isfinite(found.outliers.score[7])
        assert not found.outliers.is_outlier[7]

    def test_coarsen_is_given_the_chosen_matrix_and_changes_scores_only(self):
        matrix, _ = clouds((40, 40), n_columns=40)
        given = []

        def coarsen(rows):
            given.append(rows)
            return rows.reshape(len(rows), 4, 10).mean(axis=2)

        plain = cluster({"raw": matrix}, QUICK)
        coarse = cluster({"raw": matrix}, QUICK, coarsen=coarsen)
        assert given
        np.testing.assert_array_equal(given[0], matrix)
        np.testing.assert_array_equal(plain.labels, coarse.labels)
        assert not np.array_equal(plain.outliers.score, coarse.outliers.score)

    def test_coarse_rows_show_a_course_that_noise_hides(self):
        matrix, classes = clouds((40, 40), n_columns=200, distance=20)
        odd = np.flatnonzero(classes == 0)[0]
        matrix[odd] = 0.55 * np.random.default_rng(2).standard_normal(200)  # less noise: nearer
        matrix[odd] += 1.2 * np.sign(np.sin(np.arange(200) / 20))  # but another course

        def coarsen(rows):
            return rows.reshape(len(rows), 10, 20).mean(axis=2)

        assert cluster({"raw": matrix}, QUICK, coarsen=coarsen).outliers.score.argmax() == odd


def test_the_same_bits_on_any_number_of_threads():
    matrix, _ = clouds(distance=2.5)  # clouds that overlap, so that epochs differ
    matrices = {"a": matrix, "b": matrix[:, :3], "c": noise(len(matrix), 12)}
    first, *others = [
        cluster(matrices, QUICK.with_values({"n_threads": n_threads})) for n_threads in (1, 2, 3)
    ]
    for other in others:
        assert other.decision == first.decision
        assert_same_bits(other, first)


def assert_same_bits(one: Clustering, other: Clustering):
    pairs = [(one, other), (one.outliers, other.outliers)]
    pairs += zip(one.sweeps, other.sweeps, strict=True)
    for ours, theirs in pairs:
        for field in dataclasses.fields(ours):
            value, expected = getattr(ours, field.name), getattr(theirs, field.name)
            if isinstance(value, np.ndarray):
                assert value.tobytes() == expected.tobytes(), field.name
                assert value.dtype == expected.dtype


def test_steps_and_progress_are_reported():
    matrix, _ = clouds()
    steps = []
    context = Context(progress=lambda *step: steps.append(step))
    cluster({"a": matrix, "b": matrix[:, :2]}, QUICK, context)
    assert steps == [("sweep", 1, 2), ("sweep", 2, 2)]
    assert set(context.clock.seconds) == {"sweep", "decide", "cluster"}


def test_items_left_out_get_a_place():
    matrix, classes = clouds()
    is_clustered = np.ones(len(matrix) + 2, dtype=bool)
    is_clustered[[0, 9]] = False
    found = cluster({"raw": matrix}, QUICK).spread_over(is_clustered)
    np.testing.assert_array_equal(found.labels[is_clustered], classes + 1)
    np.testing.assert_array_equal(found.labels[[0, 9]], 0)
    assert np.isnan(found.silhouette[[0, 9]]).all()
