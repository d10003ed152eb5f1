"""Items as sets of ImageJ's regions of interest, in the colours of their clusters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from umlpsd_gpu.exports.contents import Contents, Places, Table
from umlpsd_gpu.exports.names import file_name
from umlpsd_gpu.images.segmentation.label_files import label_outlines

if TYPE_CHECKING:
    from roifile import ImagejRoi

# ImageJ's groups are one byte
LARGEST_GROUP = 255


def write_roi_sets(contents: Contents, folder: Path) -> None:
    """Write a .zip for ImageJ's ROI Manager for each movie or image with items.

    Emitters are circles, pixels are squares, particles are polygons. The name of a region is that
    of the item, its group is the cluster, and its properties are the columns of the table.

    Parameters
    ----------
    contents : Contents
    folder : Path
        An existing folder.
    """
    import roifile

    taken: set[str] = set()
    for places in contents.places:
        regions = list(regions_of(places, contents.table_of(places.table)))
        if not regions:
            continue
        name = file_name(f"{places.frame.name}_{places.name}", taken)
        taken.add(name)
        roifile.roiwrite(folder / f"{name}_rois.zip", regions)


def regions_of(places: Places, table: Table | None) -> list[ImagejRoi]:
    """Return places as regions of ImageJ.

    Parameters
    ----------
    places : Places
    table : Table or None
        What is known of each item.

    Returns
    -------
    list of roifile.ImagejRoi
        In the order of the places; items with an area that has no pixel are left out.
    """
    outlines = {} if places.areas is None else label_outlines(places.areas)
    digits = len(str(len(places.index)))
    regions = []
    for n, row in enumerate(places.index.tolist()):
        corners = _corners(places, n, outlines)
        if corners is None:
            continue
        name = _name(table, row)
        region = _make_region(places, corners)
        # the set needs names that differ
        region.name = name if table is not None and "id" in table else f"{n + 1:0{digits}}"
        cluster = int(places.groups[n])
        region.stroke_color = _colour(cluster)
        region.group = min(cluster, LARGEST_GROUP)
        if table is not None:
            region.properties = _properties(table, row)
        regions.append(region)
    return regions


def _corners(places: Places, n: int, outlines: dict[int, np.ndarray]) -> np.ndarray | None:
    """Return x and y of corners; ImageJ's pixel 0 reaches from 0 to 1, its centre is at 0.5."""
    if places.areas_of is not None:
        return outlines.get(int(places.areas_of[n]))
    x, y = float(places.cols[n]) + 0.5, float(places.rows[n]) + 0.5
    r = places.radius_px
    return np.array([[x - r, y - r], [x + r, y + r]])


def _make_region(places: Places, corners: np.ndarray) -> Any:
    import roifile

    if places.areas is not None:
        region = roifile.ImagejRoi.frompoints(corners.astype(np.float32))
        region.roitype = roifile.ROI_TYPE.POLYGON
        return region
    region = roifile.ImagejRoi()
    region.version = 228
    region.roitype = roifile.ROI_TYPE.RECT if places.radius_px == 0.5 else roifile.ROI_TYPE.OVAL
    (left, top), (right, bottom) = corners.tolist()
    region.left, region.top = int(np.floor(left)), int(np.floor(top))
    region.right, region.bottom = int(np.ceil(right)), int(np.ceil(bottom))
    if places.radius_px != 0.5:
        region.options |= roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
        region.xd, region.yd = left, top
        region.widthd, region.heightd = right - left, bottom - top
    return region


def _name(table: Table | None, row: int) -> str:
    if table is None or "id" not in table:
        return ""
    return str(table["id"].values[row])


def _properties(table: Table, row: int) -> dict[str, str]:
    found = {}
    for column in table.columns:
        value = column.values[row]
        if isinstance(value, str):
            # a line of the properties ends at a line break
            found[column.name] = " ".join(value.split())
        elif not (isinstance(value, np.floating) and np.isnan(value)):
            found[column.name] = f"{value:.9g}" if isinstance(value, np.floating) else f"{value:d}"
    return found


def _colour(cluster: int) -> bytes:
    """Return alpha, red, green and blue."""
    from matplotlib.colors import to_rgb

    from umlpsd_gpu.plotting.style import FLAGGED, cluster_colour

    rgb = cluster_colour(cluster) if cluster else to_rgb(FLAGGED)
    return bytes([255, *(round(255 * part) for part in rgb)])
