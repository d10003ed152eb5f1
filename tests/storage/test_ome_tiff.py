"""OME-TIFF: read back by tifffile, its OME-XML parsed, the same bytes again."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.storage.ome_tiff import write_ome_tiff

OME = "{http://www.openmicroscopy.org/Schemas/OME/2016-06}"


def pixels_and_names(path) -> tuple[dict[str, str], list[str]]:
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        root = ElementTree.fromstring(file.ome_metadata)
    (pixels,) = root.iter(f"{OME}Pixels")
    return pixels.attrib, [channel.attrib["Name"] for channel in root.iter(f"{OME}Channel")]


@pytest.fixture
def maps() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 5, 7))
    first[0, :3], second[4] = np.nan, np.nan
    return {"beta": first, "beta standard error, <raw> & more": second}


def test_float_maps_come_back(tmp_path, maps) -> None:
    path = tmp_path / "beta_map.ome.tif"
    write_ome_tiff(path, maps, pixel_size_um=0.107)
    stack = tifffile.imread(path)
    assert stack.dtype == np.float32
    np.testing.assert_array_equal(stack, np.stack(list(maps.values())).astype(np.float32))
    pixels, names = pixels_and_names(path)
    assert names == list(maps)
    assert pixels["Type"] == "float"
    assert (pixels["SizeX"], pixels["SizeY"], pixels["SizeC"]) == ("7", "5", "2")
    for axis in "XY":
        assert float(pixels[f"PhysicalSize{axis}"]) == 0.107
        assert pixels[f"PhysicalSize{axis}Unit"] == "µm"
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "CYX"
        page = file.pages[0]
        assert page.resolutionunit == tifffile.RESUNIT.CENTIMETER
        # pixels per cm, for programs that do not read OME
        assert page.get_resolution() == pytest.approx((1e4 / 0.107, 1e4 / 0.107), rel=1e-6)
        assert "DateTime" not in page.tags


@pytest.mark.parametrize(("largest", "kind"), [(3, "uint16"), (65535, "uint16"), (65536, "uint32")])
def test_labels_are_whole_numbers(tmp_path, largest: int, kind: str) -> None:
    labels = np.array([[0, 1], [2, largest]], dtype=np.int32)
    write_ome_tiff(tmp_path / "labels.ome.tif", {"cluster": labels})
    found = tifffile.imread(tmp_path / "labels.ome.tif")
    assert found.dtype == kind
    np.testing.assert_array_equal(found, labels)
    pixels, names = pixels_and_names(tmp_path / "labels.ome.tif")
    assert pixels["Type"] == kind
    assert names == ["cluster"]
    assert "PhysicalSizeX" not in pixels


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_images_of_one_row_column_or_pixel(tmp_path, shape: tuple[int, int]) -> None:
    image = np.arange(shape[0] * shape[1], dtype=float).reshape(shape)
    write_ome_tiff(tmp_path / "a.ome.tif", {"a": image, "b": image + 1}, 0.1)
    np.testing.assert_array_equal(
        tifffile.imread(tmp_path / "a.ome.tif").squeeze()[1], (image + 1).squeeze()
    )
    pixels, _ = pixels_and_names(tmp_path / "a.ome.tif")
    assert (int(pixels["SizeY"]), int(pixels["SizeX"]), pixels["SizeC"]) == (*shape, "2")


def test_same_maps_same_bytes_and_other_maps_other_names(tmp_path, maps) -> None:
    paths = [tmp_path / folder / "m.ome.tif" for folder in "abc"]
    for path in paths:
        path.parent.mkdir()
    write_ome_tiff(paths[0], maps, 0.1)
    write_ome_tiff(paths[1], maps, 0.1)
    maps["beta"][3, 3] += 1
    write_ome_tiff(paths[2], maps, 0.1)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    uuids = []
    for path in paths[1:]:
        with tifffile.TiffFile(path) as file:
            uuids.append(ElementTree.fromstring(file.ome_metadata).attrib["UUID"])
    assert uuids[0] != uuids[1]


def test_no_map_is_refused(tmp_path) -> None:
    with pytest.raises(SettingsError, match="there is no map to write; give at least one"):
        write_ome_tiff(tmp_path / "a.ome.tif", {})
