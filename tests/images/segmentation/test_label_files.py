"""Labels survive a file, and what is wrong with one is said in a sentence."""

import numpy as np
import pytest
import roifile
import tifffile
from scipy import ndimage

from umlpsd_gpu.errors import OutputError, TracesError
from umlpsd_gpu.images.open import open_micrograph
from umlpsd_gpu.images.segmentation.label_files import read_labels, write_labels


@pytest.fixture
def labels():
    rows, columns = np.indices((60, 80))
    found = np.zeros((60, 80), dtype=np.int32)
    for number, (row, column, radius) in enumerate([(15, 20, 9), (40, 30, 12), (30, 79, 8)], 1):
        found[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    return found


def test_tiff_gives_the_same_labels(tmp_path, labels):
    write_labels(tmp_path / "labels.tif", labels)
    assert np.array_equal(read_labels(tmp_path / "labels.tif", labels.shape), labels)


def test_regions_give_the_same_labels(tmp_path, labels):
    write_labels(tmp_path / "labels.zip", labels)
    back = read_labels(tmp_path / "labels.zip", labels.shape)
    is_rim = labels != ndimage.median_filter(labels, 3)
    assert np.array_equal(back[~is_rim], labels[~is_rim])
    assert np.bincount(back.ravel()) == pytest.approx(np.bincount(labels.ravel()), rel=0.01)
    assert [roi.name for roi in roifile.roiread(tmp_path / "labels.zip")] == ["1", "2", "3"]


def test_files_carry_the_size_of_a_pixel(tmp_path, labels):
    write_labels(tmp_path / "labels.tif", labels, 0.158)
    micrograph = open_micrograph(tmp_path / "labels.tif")
    assert micrograph.pixel_size_m == pytest.approx(0.158e-9, rel=1e-6)
    write_labels(tmp_path / "labels.zip", labels, 0.158)
    regions = roifile.roiread(tmp_path / "labels.zip")
    assert [region.properties for region in regions] == [{"nm_per_px": 0.158}] * 3


def test_a_region_drawn_by_hand_is_a_particle(tmp_path):
    region = roifile.ImagejRoi.frompoints(np.array([(10, 5), (20, 5), (20, 15), (10, 15)]))
    region.tofile(tmp_path / "one.roi")
    found = read_labels(tmp_path / "one.roi", (30, 40))
    assert np.argwhere(found).min(axis=0).tolist() == [5, 10]
    assert found.sum() == 100


def test_faults_are_said(tmp_path, labels):
    write_labels(tmp_path / "labels.tif", labels)
    with pytest.raises(TracesError, match="60 × 80"):
        read_labels(tmp_path / "labels.tif", (10, 10))
    tifffile.imwrite(tmp_path / "half.tif", np.full((10, 10), 0.5, np.float32))
    with pytest.raises(TracesError, match="whole numbers"):
        read_labels(tmp_path / "half.tif", (10, 10))
    (tmp_path / "broken.zip").write_bytes(b"no archive")
    with pytest.raises(TracesError, match=r"can't be read|archive"):
        read_labels(tmp_path / "broken.zip", (10, 10))
    with pytest.raises(TracesError, match="no such file"):
        read_labels(tmp_path / "missing.tif", (10, 10))
    with pytest.raises(TracesError, match="ending"):
        read_labels(tmp_path / "labels.png", (10, 10))
    with pytest.raises(OutputError, match="ending"):
        write_labels(tmp_path / "labels.png", labels)
