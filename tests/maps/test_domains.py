"""Domains: table, Pearson graph, agreement, images, against per-pixel loops."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.maps.domains import PixelValues, domain_table
from umlpsd_gpu.maps.graph import agreement, domains_of_all_pairs, domains_of_neighbours
from umlpsd_gpu.maps.images import image_of, pixel_grid
from umlpsd_gpu.maps.neighbours import neighbour_pairs


def pixels_of(image: np.ndarray, seed: int = 0) -> PixelValues:
    """Return the pixels of a label image; −1 is outside the mask, 0 in it but not clustered."""
    rng = np.random.default_rng(seed)
    rows, cols = np.nonzero(image >= 0)
    labels = image[rows, cols]
    values = np.where(labels > 0, rng.random((3, rows.size)), np.nan)
    return PixelValues(rows.astype(float), cols.astype(float), labels, *values)


def pieces(image: np.ndarray, label: int) -> list[int]:
    """Return the sizes of 4-connected pieces by flooding."""
    left = {tuple(place) for place in np.argwhere(image == label)}
    sizes = []
    while left:
        front, size = [left.pop()], 0
        while front:
            row, col = front.pop()
            size += 1
            for step in ((row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1)):
                if step in left:
                    left.remove(step)
                    front.append(step)
        sizes.append(size)
    return sizes


@pytest.mark.parametrize("shape", [(7, 11), (1, 13), (9, 1), (1, 1)])
def test_table_against_loops(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    image = rng.integers(-1, 4, shape)
    image[0, 0] = 1
    pixels = pixels_of(image)
    table = domain_table(pixels, shape, pixel_size_um=0.15)
    clusters = sorted(set(image[image > 0].tolist()))
    assert table.clusters.tolist() == clusters
    contact = dict.fromkeys(((a, b) for a in clusters for b in clusters), 0)
    for row in range(shape[0]):
        for col in range(shape[1]):
            for other in ((row + 1, col), (row, col + 1)):
                if other[0] < shape[0] and other[1] < shape[1]:
                    a, b = int(image[row, col]), int(image[other])
                    if a != b and min(a, b) > 0:
                        contact[a, b] += 1
                        contact[b, a] += 1
    for i, cluster in enumerate(clusters):
        places = np.argwhere(image == cluster)
        assert table.area_px[i] == len(places)
        assert table.area_um2[i] == pytest.approx(len(places) * 0.0225)
        assert table.n_components[i] == len(pieces(image, cluster))
        assert table.largest_component_px[i] == max(pieces(image, cluster))
        centroid = table.row_centroid[i], table.col_centroid[i]
        np.testing.assert_allclose(centroid, places.mean(axis=0), rtol=SUM_FLOAT64)
        beta = pixels.beta[pixels.labels == cluster]
        assert table.beta_mean[i] == pytest.approx(beta.mean(), rel=SUM_FLOAT64)
        if beta.size > 1:
            stderr = beta.std(ddof=1) / beta.size**0.5
            assert table.beta_stderr[i] == pytest.approx(stderr, rel=SUM_FLOAT64)
        else:
            assert np.isnan(table.beta_stderr[i])
        for j, other in enumerate(clusters):
            assert table.contact_px[i, j] == contact[cluster, other]
            assert table.contact_um[i, j] == pytest.approx(0.15 * contact[cluster, other])


def test_table_leaves_out_what_is_not_defined() -> None:
    pixels = pixels_of(np.array([[1, 1, 2]]))
    pixels.beta[0], pixels.silhouette[:], pixels.beta[2] = np.nan, np.nan, np.nan
    table = domain_table(pixels, (1, 3))
    assert table.beta_mean[0] == pixels.beta[1]
    assert np.isnan([table.beta_stderr[0], table.beta_mean[1], *table.silhouette_mean]).all()
    assert np.isnan(table.area_um2).all()
    assert np.isnan(table.contact_um).all()
    assert table.contact_px.tolist() == [[0, 1], [1, 0]]


def test_images() -> None:
    rows, cols = np.array([0.0, 2.0]), np.array([1.0, 0.0])
    image = image_of(np.array([3.5, np.inf]), rows, cols, (3, 2))
    expected = np.full((3, 2), np.nan)
    expected[0, 1], expected[2, 0] = 3.5, np.inf
    np.testing.assert_array_equal(image, expected)
    labels = image_of(np.array([2, 1], dtype=np.int16), rows, cols, (3, 2))
    assert labels.dtype == np.int16
    assert labels.tolist() == [[0, 2], [0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("rows", "cols", "message"),
    [
        ([0, np.nan], [0, 1], "some have none; extract pixels from a movie"),
        ([0, 3], [0, 1], "inside the image of 3 × 2 pixels"),
        ([0, -1], [0, 1], "inside the image of 3 × 2 pixels"),
        ([0, 1.5], [0, 1], "whole-number rows and columns"),
        ([1, 1], [0, 0], "two traces share a pixel"),
    ],
)
def test_positions_that_are_no_pixels(rows: list, cols: list, message: str) -> None:
    with pytest.raises(TracesError, match=message):
        pixel_grid(np.array(rows, dtype=float), np.array(cols, dtype=float), (3, 2))


def joined_by_loops(matrix: np.ndarray, threshold: float) -> np.ndarray:
    """Give every pixel the smallest index it is joined to, until nothing changes."""
    root = np.arange(len(matrix))
    while True:
        before = root.copy()
        for i in range(len(matrix)):
            for j in range(len(matrix)):
                if matrix[i, j] >= threshold:
                    root[i] = root[j] = min(root[i], root[j])
        if (root == before).all():
            return root


@pytest.mark.parametrize("threshold", [0.2, 0.8, 0.93, 1.0])
def test_graph_of_all_pairs_against_loops(
    threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("umlpsd_gpu.maps.graph.ROWS_AT_ONCE", 7)
    rng = np.random.default_rng(4)
    matrix = rng.random((31, 31))
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 1)
    matrix[5], matrix[:, 5] = np.nan, np.nan
    found = domains_of_all_pairs(matrix, threshold)
    assert found[5] == 0
    others = np.arange(31) != 5
    root = joined_by_loops(matrix, threshold)
    assert adjusted_rand_score(root[others], found[others]) == 1
    sizes = np.bincount(found)[1:]
    assert (np.diff(sizes) <= 0).all()
    assert sizes.sum() == 30


def test_graph_of_neighbours() -> None:
    rows, cols = np.divmod(np.arange(6), 3)
    pairs = neighbour_pairs(rows, cols, (2, 3))
    left = cols < 1
    correlation = np.where(left[pairs[:, 0]] == left[pairs[:, 1]], 0.9, 0.1)
    usable = np.ones(6, dtype=bool)
    assert domains_of_neighbours(pairs, correlation, usable, 0.5).tolist() == [2, 1, 1, 2, 1, 1]
    assert domains_of_neighbours(pairs, correlation, usable, 0.1).tolist() == [1] * 6
    assert domains_of_neighbours(pairs, correlation, usable, 0.95).tolist() == [1, 2, 3, 4, 5, 6]
    usable[2], correlation[(pairs == 2).any(axis=1)] = False, np.nan
    assert domains_of_neighbours(pairs, correlation, usable, 0.5).tolist() == [2, 1, 0, 2, 1, 1]


def test_agreement_is_the_adjusted_rand_index_of_what_both_label() -> None:
    rng = np.random.default_rng(6)
    for n_others in (1, 3, 40):
        labels, others = rng.integers(0, 4, 50), rng.integers(0, n_others + 1, 50)
        both = (labels > 0) & (others > 0)
        expected = adjusted_rand_score(labels[both], others[both])
        assert agreement(labels, others) == pytest.approx(expected, abs=SUM_FLOAT64)
    assert agreement(np.array([1, 1, 2]), np.array([7, 7, 3])) == 1
    assert agreement(np.array([1, 1]), np.array([1, 1])) == 1
    assert np.isnan(agreement(np.array([1, 2]), np.array([0, 1])))
