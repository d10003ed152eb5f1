"""Exports of any result, read back by the libraries that belong to the formats."""

import csv

import numpy as np
import pytest
import roifile
import scipy.io
import tifffile

from umlpsd_gpu.exports.columnar import ColumnarFiles
from umlpsd_gpu.exports.formats import BY_STUDY
from umlpsd_gpu.exports.names import matlab_name
from umlpsd_gpu.napari_plugin.reader import layers_of
from umlpsd_gpu.plotting.style import cluster_colour

LAYERS = {"image", "labels", "points"}


def check_exports(contents, folder):
    """Write a result in every format that needs no other package, and compare what is read."""
    for name in ("mat5", "imagej-rois", "imagej-maps", "origin"):
        (folder / name).mkdir(parents=True)
        BY_STUDY[name].write(contents, folder / name)
    check_mat(contents, scipy.io.loadmat(folder / "mat5/study.mat", simplify_cells=True))
    check_rois(contents, folder / "imagej-rois")
    check_maps(contents, folder / "imagej-maps")
    check_origin(contents, folder / "origin")
    check_csv(contents, folder)
    check_layers(contents)


def check_mat(contents, read):
    assert read["study"]["analysis"] == contents.analysis
    for table in contents.tables:
        for column in table.columns if table.n_rows else ():
            found = np.atleast_1d(read["tables"][table.name][matlab_name(column.name)])
            if column.is_text:
                assert [text.rstrip() for text in found] == [
                    text.rstrip() or "" for text in column.values
                ]
            else:
                np.testing.assert_array_equal(found, column.values)
            unit = read["units"][table.name][matlab_name(column.name)]
            # SciPy reads an empty text as an empty array
            assert (unit if np.size(unit) else "") == column.unit
    for curves in contents.curves:
        found = read["curves"][curves.name]
        np.testing.assert_array_equal(found[curves.x.name], curves.x.values)
        for column in curves.values:
            values = np.reshape(found[column.name], np.shape(column.values))
            np.testing.assert_array_equal(values, column.values)


def check_rois(contents, folder):
    files = sorted(folder.glob("*.zip"))
    assert len(files) == len(contents.places)
    for places in contents.places:
        (path,) = [each for each in files if each.name.startswith(places.frame.name)]
        regions = roifile.roiread(path)
        assert len(regions) == places.index.size
        for n, region in enumerate(regions):
            group = int(places.groups[n])
            assert region.group == min(group, 255)
            if group:
                rgb = [round(255 * part) for part in cluster_colour(group)]
                assert list(region.stroke_color) == [255, *rgb]
            assert region.properties, "the columns of the table"
            if places.areas is None:
                # the centre of ImageJ's pixel 0 is at 0.5
                middle = np.array(middle_of(region)) - 0.5
                at = np.array([places.rows[n], places.cols[n]])
                np.testing.assert_allclose(middle, at, atol=1e-4)
            else:
                mask = places.areas == places.areas_of[n]
                area = polygon_area(region.coordinates())
                # the outline through the middles of pixels' edges cuts the corners
                assert abs(area - mask.sum()) < 1 + 0.5 * len(region.coordinates())


def middle_of(region):
    if region.subpixelresolution:
        return region.yd + region.heightd / 2, region.xd + region.widthd / 2
    return (region.top + region.bottom) / 2, (region.left + region.right) / 2


def polygon_area(corners):
    x, y = np.asarray(corners, dtype=float).T
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


def check_maps(contents, folder):
    for frame in contents.frames:
        for ending in ("maps", "labels"):
            images = [
                image
                for image in contents.images_of(frame)
                if (image.kind == "labels") == (ending == "labels")
            ]
            if not images:
                continue
            path = folder / f"{frame.name.replace(' ', '_')}_{ending}.tif"
            with tifffile.TiffFile(path) as file:
                read, about = file.asarray(), file.imagej_metadata
                pixels, units = file.pages[0].tags["XResolution"].value
            stack = np.stack([image.values for image in images])
            np.testing.assert_array_equal(read.reshape(stack.shape), stack.astype(read.dtype))
            assert units / pixels == pytest.approx(frame.scale[1], rel=1e-3)
            tables = np.reshape(about["LUTs"], (len(images), 3, 256))
            if ending == "labels":
                colour = np.rint(255 * np.array(cluster_colour(1)))
                np.testing.assert_array_equal(tables[0][:, 1], colour)
                assert about["Ranges"][:2] == (0.0, 255.0)
            if len(images) > 1:
                assert list(about["Labels"]) == [image.heading for image in images]


def check_origin(contents, folder):
    for table in contents.tables:
        if not table.n_rows:
            continue
        text = (folder / f"{table.name}.txt").read_text("utf-8-sig")
        rows = [line.split("\t") for line in text.splitlines()]
        assert rows[0] == [column.name for column in table.columns]
        assert rows[1] == [column.unit for column in table.columns]
        assert len(rows) == 3 + table.n_rows
        for n, column in enumerate(table.columns):
            if not column.is_text:
                read = [float("nan") if row[n] == "--" else float(row[n]) for row in rows[3:]]
                np.testing.assert_array_equal(read, column.values)
    for curves in contents.curves:
        name = curves.name if len(curves.values) == 1 else curves.values[0].name
        read = np.genfromtxt(
            folder / f"{name}.txt",
            delimiter="\t",
            skip_header=3,
            encoding="utf-8-sig",
            missing_values="--",
            comments=None,
        )
        np.testing.assert_array_equal(read[:, 0], curves.x.values)
        np.testing.assert_array_equal(read[:, 1:].T, curves.values[0].values)


def check_csv(contents, folder):
    place = folder / "csv"
    place.mkdir()
    files = ColumnarFiles(place, ".csv", with_study=False)
    files.add(contents)
    files.close()
    for table in contents.tables:
        if table.n_rows:
            with (place / f"{table.name}.csv").open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            for column in table.columns:
                read = [row[column.name] for row in rows]
                if column.is_text:
                    assert read == list(column.values)
                else:
                    numbers = [float(cell or "nan") for cell in read]
                    np.testing.assert_array_equal(numbers, column.values)
    for curves in contents.curves:
        with (place / f"{curves.name}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert list(dict.fromkeys(row["id"] for row in rows)) == list(curves.ids)
        for column in curves.values:
            numbers = [float(row[column.name] or "nan") for row in rows]
            np.testing.assert_array_equal(numbers, np.asarray(column.values).reshape(-1))


def check_layers(contents):
    layers = layers_of(contents)
    assert len(layers) >= len(contents.images)
    for data, about, kind in layers:
        assert kind in LAYERS
        source = about["metadata"]["umlpsd"]
        assert about["scale"] == source.frame.scale
        if kind == "points":
            np.testing.assert_array_equal(data[:, 0], source.places.rows)
        else:
            assert data.shape == source.frame.shape
    pictures = [about["visible"] for _, about, kind in layers if kind == "image"]
    assert sum(pictures) == bool(contents.images)


def check_ome_zarr(contents, folder):
    """Write OME-Zarr, validate it by ome-zarr-models, and read it by ome-zarr."""
    zarr = pytest.importorskip("zarr", reason="zarr (extra 'zarr') is not installed")
    models = pytest.importorskip("ome_zarr_models.v04", reason="ome-zarr-models is not installed")
    io = pytest.importorskip("ome_zarr.io", reason="ome-zarr is not installed")
    reader = pytest.importorskip("ome_zarr.reader", reason="ome-zarr is not installed")
    folder.mkdir()
    BY_STUDY["ome-zarr"].write(contents, folder)
    for frame in contents.frames:
        images = list(contents.images_of(frame))
        path = folder / f"{frame.name.replace(' ', '_')}.ome.zarr"
        model = models.image.Image.from_zarr(zarr.open_group(str(path), mode="r"))
        (dataset,) = model.attributes.multiscales[0].datasets
        scale, translation = dataset.coordinateTransformations
        assert tuple(scale.scale[1:]) == frame.scale
        assert tuple(translation.translation[1:]) == frame.origin
        units = {axis.unit for axis in model.attributes.multiscales[0].axes if axis.type == "space"}
        assert units == {{"um": "micrometer", "nm": "nanometer", "m": "meter"}.get(frame.unit)}
        pictures = [image for image in images if image.kind != "labels"]
        nodes = [node for node in reader.Reader(io.parse_url(str(path)))() if node.data]
        read = np.asarray(nodes[0].data[0])
        stack = np.stack([image.values for image in pictures]).astype(np.float32)
        np.testing.assert_array_equal(read, stack)
        assert nodes[0].metadata["channel_names"] == [image.heading for image in pictures]
        labels = [image for image in images if image.kind == "labels"]
        assert len(nodes) == 1 + len(labels)
        for node, image in zip(nodes[1:], labels, strict=True):
            np.testing.assert_array_equal(np.asarray(node.data[0]), image.values)
