"""The domain table: area, connected pieces and contacts of the domain of each cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from umlpsd_gpu.maps.images import image_of


@dataclass(frozen=True)
class DomainTable:
    """Shape of each cluster's domain on the pixel grid, one entry per cluster.

    Attributes
    ----------
    clusters : ndarray, shape (n_clusters,), int
        Cluster numbers, from 1.
    area_px : ndarray, shape (n_clusters,), int
        Number of pixels.
    area_um2 : ndarray, shape (n_clusters,), µm²
        NaN without a pixel size.
    n_components, largest_component_px : ndarray, shape (n_clusters,), int
        Number of connected pieces and size of the largest. Pixels are connected along edges, not
        across corners (4-connectivity), as for contacts.
    row_centroid, col_centroid : ndarray, shape (n_clusters,), px
        Mean row and column, counted from 0.
    contact_px : ndarray, shape (n_clusters, n_clusters), int
        Number of edges between pixels of two clusters; 0 on the diagonal.
    contact_um : ndarray, shape (n_clusters, n_clusters), µm
        Length of those edges; NaN without a pixel size.
    beta_mean, beta_stderr : ndarray, shape (n_clusters,)
        <β> and s/√n of the pixels with a finite exponent; NaN for none, and for fewer than two. The
        standard error is a lower bound, since pixels within the width of the point-spread function
        share light.
    silhouette_mean, label_uncertainty_mean : ndarray, shape (n_clusters,)
        NaN where they are not defined.
    """

    clusters: np.ndarray
    area_px: np.ndarray
    area_um2: np.ndarray
    n_components: np.ndarray
    largest_component_px: np.ndarray
    row_centroid: np.ndarray
    col_centroid: np.ndarray
    contact_px: np.ndarray
    contact_um: np.ndarray
    beta_mean: np.ndarray
    beta_stderr: np.ndarray
    silhouette_mean: np.ndarray
    label_uncertainty_mean: np.ndarray


@dataclass(frozen=True)
class PixelValues:
    """Results for each pixel that are shown as maps.

    Attributes
    ----------
    rows, cols : ndarray, shape (n_pixels,)
        Whole numbers, counted from 0.
    labels : ndarray, shape (n_pixels,), int
        Cluster from 1; 0 for a pixel that was not clustered.
    silhouette, label_uncertainty, beta : ndarray, shape (n_pixels,)
        NaN where not defined.
    """

    rows: np.ndarray
    cols: np.ndarray
    labels: np.ndarray
    silhouette: np.ndarray
    label_uncertainty: np.ndarray
    beta: np.ndarray


def domain_table(
    pixels: PixelValues, shape: tuple[int, int], pixel_size_um: float | None = None
) -> DomainTable:
    """Measure the domain of every cluster that has pixels.

    Parameters
    ----------
    pixels : PixelValues
    shape : (n_rows, n_cols)
        Of the movie's images.
    pixel_size_um : float, optional
        Object-plane pixel, µm.

    Returns
    -------
    DomainTable

    Raises
    ------
    TracesError
        If a position is not a pixel of the image, or two traces share one.
    """
    image = image_of(pixels.labels, pixels.rows, pixels.cols, shape)
    clusters = np.unique(pixels.labels[pixels.labels > 0])
    members = [pixels.labels == cluster for cluster in clusters]
    pieces = [_component_sizes(image == cluster) for cluster in clusters]
    contact_px = _shared_edges(image, clusters)
    side_um = np.nan if pixel_size_um is None else pixel_size_um
    area_px = np.array([chosen.sum() for chosen in members], dtype=np.int64)
    spread = [_mean_and_stderr(pixels.beta[chosen]) for chosen in members]

    def means(values: np.ndarray) -> np.ndarray:
        return np.array([_mean_and_stderr(values[chosen])[0] for chosen in members])

    return DomainTable(
        clusters=clusters.astype(np.int64),
        area_px=area_px,
        area_um2=area_px * side_um**2,
        n_components=np.array([sizes.size for sizes in pieces], dtype=np.int64),
        largest_component_px=np.array([sizes.max() for sizes in pieces], dtype=np.int64),
        row_centroid=means(pixels.rows),
        col_centroid=means(pixels.cols),
        contact_px=contact_px,
        contact_um=contact_px * side_um,
        beta_mean=np.array([mean for mean, _ in spread]),
        beta_stderr=np.array([stderr for _, stderr in spread]),
        silhouette_mean=means(pixels.silhouette),
        label_uncertainty_mean=means(pixels.label_uncertainty),
    )


def _component_sizes(domain: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    labelled, _ = ndimage.label(domain)  # 4-connected by default
    return np.bincount(labelled.ravel())[1:]


def _shared_edges(image: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    contact = np.zeros((clusters.size, clusters.size), dtype=np.int64)
    for one, other in ((image[:, :-1], image[:, 1:]), (image[:-1], image[1:])):
        touching = (one != other) & (one > 0) & (other > 0)
        places = np.searchsorted(clusters, [one[touching], other[touching]])
        np.add.at(contact, tuple(places), 1)
    return contact + contact.T


def _mean_and_stderr(values: np.ndarray) -> tuple[float, float]:
    """Return mean and standard error of the finite values; NaN for none, and for fewer than two."""
    values = values[np.isfinite(values)]
    mean = values.mean() if values.size else np.nan
    stderr = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else np.nan
    return float(mean), float(stderr)
