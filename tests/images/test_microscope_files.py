"""Files of electron microscopes: .dm3, .dm4, Velox .emd, and the tags of TIFF."""

import json

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.dm_files import image_tags, write_dm
from umlpsd_gpu.errors import MovieError, UmlpsdError
from umlpsd_gpu.images.open import open_micrograph
from umlpsd_gpu.images.pixel_size import pixel_size_of

IMAGE = np.random.default_rng(0).integers(0, 200, (12, 17))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_images_of_digital_micrograph(tmp_path, version, order, dtype):
    image = IMAGE.astype(dtype)
    path = write_dm(tmp_path / f"a.dm{version}", image, version=version, order=order)
    found = open_micrograph(path)
    np.testing.assert_array_equal(found.image, image)
    assert found.pixel_size_m == pytest.approx(2.5e-10)
    assert found.pixel_size_origin == "DigitalMicrograph scale"


@pytest.mark.parametrize("version", [3, 4])
def test_rosettasciio_reads_the_same(tmp_path, version):
    reader = pytest.importorskip("rsciio.digitalmicrograph").file_reader
    image = IMAGE.astype(np.float32)
    path = write_dm(tmp_path / f"a.dm{version}", image, version=version)
    (entry,) = reader(str(path))
    found = open_micrograph(path)
    np.testing.assert_array_equal(found.image, entry["data"])
    assert found.pixel_size_m == pytest.approx(entry["axes"][-1]["scale"] * 1e-9)


def test_one_of_several_images_is_chosen_by_its_name(tmp_path):
    both = [image_tags(IMAGE.astype("u2") + i, name=name) for i, name in enumerate(["HAADF", "BF"])]
    path = write_dm(tmp_path / "a.dm3", *both)
    with pytest.raises(MovieError, match=r"2 images .*'HAADF', 'BF'.*--image-title"):
        open_micrograph(path)
    np.testing.assert_array_equal(open_micrograph(path, title="BF").image, IMAGE + 1)


def test_what_is_no_image_of_the_sample_is_refused(tmp_path):
    for scale, units, reason in (
        ((0.1, 0.1), ("1/nm", "1/nm"), "diffraction pattern"),
        ((0.25, 0.3), ("nm", "nm"), "square pixels"),
    ):
        path = write_dm(tmp_path / "a.dm3", IMAGE.astype("u2"), scale=scale, units=units)
        with pytest.raises(MovieError, match=reason):
            open_micrograph(path)
    stack = image_tags(np.zeros((3, 4, 5), np.float32), scale=(1, 1, 1), units=("nm",) * 3)
    with pytest.raises(MovieError, match="array of 5 × 4 × 3 values"):
        open_micrograph(write_dm(tmp_path / "b.dm3", stack))


def test_cropped_frames_whose_sides_differ_by_rounding_are_read(tmp_path):
    scale = (0.0507141, 0.0507018)
    found = open_micrograph(
        write_dm(tmp_path / "a.dm4", IMAGE.astype("u2"), scale=scale, version=4)
    )
    assert found.pixel_size_m == pytest.approx(np.sqrt(np.prod(scale)) * 1e-9, rel=1e-6)


def test_an_unknown_unit_gives_no_scale(tmp_path):
    path = write_dm(tmp_path / "a.dm3", IMAGE.astype("u2"), units=("", ""))
    assert open_micrograph(path).pixel_size_m is None


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_files_of_digital_micrograph_are_refused_or_read(tmp_path, data):
    version = data.draw(st.sampled_from([3, 4]))
    path = write_dm(tmp_path / "a.dm3", IMAGE.astype("u2"), version=version)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        said = f"{path}: {open_micrograph(path).image.ndim}"
    except UmlpsdError as error:  # values may also be not finite, or all equal
        said = str(error)
    assert str(path) in said


def write_velox(path, image, size=2e-10, unit="m", detector="HAADF", n_frames=1):
    metadata = {
        "BinaryResult": {
            "Detector": detector,
            "PixelSize": {"width": str(size), "height": str(size)},
            "PixelUnitX": unit,
            "PixelUnitY": unit,
        }
    }
    text = np.zeros((4000, n_frames), np.uint8)
    encoded = np.frombuffer(json.dumps(metadata).encode(), np.uint8)
    text[: encoded.size] = encoded[:, None]
    with h5py.File(path, "a") as file:
        group = file.create_group(f"Data/Image/{detector.lower()}0123")
        group["Data"], group["Metadata"] = np.repeat(image[:, :, None], n_frames, axis=2), text
    return path


def test_images_of_velox(tmp_path):
    path = write_velox(tmp_path / "a.emd", IMAGE.astype("u2"))
    found = open_micrograph(path)
    np.testing.assert_array_equal(found.image, IMAGE)
    assert (found.pixel_size_m, found.pixel_size_origin) == (2e-10, "Velox PixelSize")
    write_velox(path, IMAGE.astype("u2") + 1, detector="BF")
    with pytest.raises(MovieError, match="'BF', 'HAADF'"):
        open_micrograph(path)
    np.testing.assert_array_equal(open_micrograph(path, title="BF").image, IMAGE + 1)


def test_what_velox_saves_besides_images_is_refused(tmp_path):
    with pytest.raises(MovieError, match="series of 5 frames"):
        open_micrograph(write_velox(tmp_path / "a.emd", IMAGE.astype("u2"), n_frames=5))
    with pytest.raises(MovieError, match="diffraction pattern"):
        open_micrograph(write_velox(tmp_path / "b.emd", IMAGE.astype("u2"), unit="1/m"))


def test_the_series_of_a_real_file_of_velox_is_told(shared_data):
    with pytest.raises(MovieError, match="series of 5 frames"):
        open_micrograph(shared_data / "edx" / "EMDReader_SpectrumImage_Si.emd")


JEOL = (
    "<TemReporter><Eos><EosMode>eosTEM</EosMode></Eos><ImageFormingSystem>"
    "<ModeString>{mode}</ModeString><SelectorValue>20000</SelectorValue>"
    "</ImageFormingSystem></TemReporter>"
)


def write_tiff(path, tags=(), description=None, **more):
    tifffile.imwrite(
        path, IMAGE.astype("u1"), extratags=tags, description=description, metadata=None, **more
    )
    return path


def test_tags_of_digital_micrograph_in_tiff(tmp_path):
    tags = [(65003, "s", 0, "nm", True), (65004, "s", 0, "nm", True)]
    lengths = [(65009, "d", 1, 0.4, True), (65010, "d", 1, 0.4, True)]
    found = open_micrograph(write_tiff(tmp_path / "a.tif", [*tags, *lengths]))
    assert found.pixel_size_m == pytest.approx(4e-10)
    assert found.pixel_size_origin == "DigitalMicrograph scale"


def test_jeol_divides_the_resolution_by_the_magnification(tmp_path):
    make = [(271, "s", 0, "JEOL Ltd.", True)]
    resolution = {"resolution": (500, 500), "resolutionunit": 3}
    path = write_tiff(tmp_path / "a.tif", make, JEOL.format(mode="MAG"), **resolution)
    assert open_micrograph(path).pixel_size_m == pytest.approx(0.01 / 500 / 20000)
    path = write_tiff(tmp_path / "b.tif", make, JEOL.format(mode="DIFF"), **resolution)
    with pytest.raises(MovieError, match="diffraction pattern"):
        open_micrograph(path)


@pytest.mark.parametrize("unit", ["1/nm", "1/Å", "nm^-1", "nm⁻¹", "mrad"])
def test_reciprocal_units_are_refused(tmp_path, unit):
    with pytest.raises(MovieError, match="diffraction"):
        pixel_size_of(tmp_path, "scale", (0.1, unit), (0.1, unit))
