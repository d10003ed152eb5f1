"""Regions of interest: drawn shapes against plain loops, masks, what is said, what is refused."""

import numpy as np
import pytest
import roifile
import tifffile

from tests.support.movies import array_movie, background_movie
from umlpsd_gpu import extract_pixels
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.extract import extract
from umlpsd_gpu.traces.roi import read_region
from umlpsd_gpu.traces.settings import TracesSettings

SHAPE = (23, 31)
TYPE = roifile.ROI_TYPE


def box(kind, left, top, right, bottom):
    return roifile.ImagejRoi(roitype=kind, left=left, top=top, right=right, bottom=bottom)


def exact_box(kind, x, y, width, height):
    roi = box(kind, int(x), int(y), int(x + width) + 1, int(y + height) + 1)
    roi.options = roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    roi.xd, roi.yd, roi.widthd, roi.heightd = x, y, width, height
    return roi


def read(tmp_path, roi, name="r.roi", shape=SHAPE):
    roi.tofile(tmp_path / name)
    return read_region(tmp_path / name, shape).mask


def by_loops(inside, shape=SHAPE):
    """Ask for each pixel's centre, in ImageJ's coordinates."""
    return np.array([[inside(c + 0.5, r + 0.5) for c in range(shape[1])] for r in range(shape[0])])


def test_a_rectangle_covers_its_pixels(tmp_path):
    mask = read(tmp_path, box(TYPE.RECT, left=4, top=2, right=9, bottom=12))
    expected = np.zeros(SHAPE, bool)
    expected[2:12, 4:9] = True
    assert np.array_equal(mask, expected)


def test_a_rectangle_between_pixels_takes_those_whose_centre_it_holds(tmp_path):
    mask = read(tmp_path, exact_box(TYPE.RECT, 4.4, 2.6, 3.0, 5.0))
    assert np.array_equal(mask, by_loops(lambda x, y: 4.4 < x < 7.4 and 2.6 < y < 7.6))


@pytest.mark.parametrize("exact", [False, True])
def test_an_oval_is_an_ellipse(tmp_path, exact):
    roi = (exact_box if exact else box)(TYPE.OVAL, 3, 5, *((14, 9) if exact else (17, 14)))
    expected = by_loops(lambda x, y: ((x - 10) / 7) ** 2 + ((y - 9.5) / 4.5) ** 2 <= 1)
    assert np.array_equal(read(tmp_path, roi), expected)


@pytest.mark.parametrize("corners", [[(3, 2), (21, 4), (11, 19)], [(3.2, 2.7), (20.1, 4), (9, 18)]])
def test_a_polygon_holds_the_centres_inside_its_edges(tmp_path, corners):
    def distance(x, y):
        ends = zip(corners, corners[1:] + corners[:1], strict=True)
        return min((bx - ax) * (y - ay) - (by - ay) * (x - ax) for (ax, ay), (bx, by) in ends)

    mask = read(tmp_path, roifile.ImagejRoi.frompoints(np.array(corners)))
    from_edge = by_loops(distance)
    decided = abs(from_edge) > 1e-3  # a centre on an edge may be on either side
    assert 50 < mask.sum() < 200
    assert np.array_equal(mask[decided], from_edge[decided] > 0)


def test_a_composite_leaves_its_hole_out(tmp_path):
    outer = [0, 2, 2, 1, 22, 2, 1, 22, 18, 1, 2, 18, 4]
    hole = [0, 8, 6, 1, 8, 12, 1, 14, 12, 1, 14, 6, 4]
    path = np.array(outer + hole, np.float32)
    roi = box(TYPE.RECT, 2, 2, 22, 18)
    roi.shape_roi_size, roi.multi_coordinates = path.size, path
    expected = np.zeros(SHAPE, bool)
    expected[2:18, 2:22] = True
    expected[6:12, 8:14] = False
    assert np.array_equal(read(tmp_path, roi), expected)


def test_a_zip_is_the_union_of_its_regions(tmp_path):
    rois = [box(TYPE.RECT, 1, 1, 4, 4), box(TYPE.RECT, 3, 3, 6, 6), box(TYPE.OVAL, 10, 10, 15, 15)]
    for i, roi in enumerate(rois):
        roi.name = f"roi {i}"
    roifile.roiwrite(tmp_path / "set.zip", rois)
    union = read_region(tmp_path / "set.zip", SHAPE).mask
    alone = [read(tmp_path, roi, f"{i}.roi") for i, roi in enumerate(rois)]
    assert np.array_equal(union, alone[0] | alone[1] | alone[2])


def test_a_region_that_reaches_beyond_the_image_is_cut_off(tmp_path):
    mask = read(tmp_path, box(TYPE.RECT, left=25, top=-4, right=99, bottom=3))
    assert mask.sum() == 6 * 3
    assert mask[:3, 25:].all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, bool, np.float32])
def test_a_mask_tiff_counts_what_is_not_0(tmp_path, dtype):
    values = np.zeros(SHAPE, dtype)
    values[3:7, 4:11] = 1
    expected = values != 0
    if dtype == np.float32:
        values[5, 5], expected[5, 5] = np.nan, False
    tifffile.imwrite(tmp_path / "mask.tif", values)
    assert np.array_equal(read_region(tmp_path / "mask.tif", SHAPE).mask, expected)


def test_the_digest_is_that_of_the_pixels_not_of_the_file(tmp_path):
    read(tmp_path, box(TYPE.RECT, 4, 2, 9, 12))
    values = np.zeros(SHAPE, np.uint8)
    values[2:12, 4:9] = 7
    tifffile.imwrite(tmp_path / "m.tif", values)
    as_roi = read_region(tmp_path / "r.roi", SHAPE)
    assert as_roi.digest == read_region(tmp_path / "m.tif", SHAPE).digest
    assert str(as_roi) == f"r.roi (50 pixels, SHA-256 {as_roi.digest}…)"
    assert as_roi.digest != read_region(tmp_path / "r.roi", (23, 32)).digest
    values[2, 4] = 0
    tifffile.imwrite(tmp_path / "m.tif", values)
    assert as_roi.digest != read_region(tmp_path / "m.tif", SHAPE).digest


def refused(tmp_path, name, match, shape=SHAPE):
    with pytest.raises(TracesError, match=match) as caught:
        read_region(tmp_path / name, shape)
    message = str(caught.value)
    assert "\n" not in message
    assert name in message
    if "encloses no area" not in message and "no such file" not in message:
        assert "ImageJ region (.roi, or .zip of several) or a mask TIFF (.tif)" in message


def test_files_that_are_no_regions_are_refused(tmp_path):
    refused(tmp_path, "missing.roi", "there is no such file")
    (tmp_path / "words.txt").write_text("here")
    refused(tmp_path, "words.txt", r"'.txt' is not known; give an ImageJ region")
    for name in ("bad.roi", "bad.zip", "bad.tif"):
        (tmp_path / name).write_bytes(b"Iout" + bytes(30))
        refused(tmp_path, name, "it can't be read")
    whole = tmp_path / "whole.roi"
    roifile.ImagejRoi.frompoints(np.array([(3, 2), (20, 4), (11, 19)])).tofile(whole)
    for n_bytes in (0, 40, 66):
        (tmp_path / "cut.roi").write_bytes(whole.read_bytes()[:n_bytes])
        refused(tmp_path, "cut.roi", "it can't be read")
    (tmp_path / "folder.tif").mkdir()
    refused(tmp_path, "folder.tif", "this is not a file")


def test_regions_without_area_or_pixels_are_refused(tmp_path):
    for kind in (TYPE.LINE, TYPE.POINT, TYPE.POLYLINE):
        box(kind, 2, 2, 8, 8).tofile(tmp_path / "line.roi")
        refused(tmp_path, "line.roi", f"a {kind.name.lower()}, which encloses no area")
    box(TYPE.RECT, 40, 2, 50, 8).tofile(tmp_path / "away.roi")
    refused(tmp_path, "away.roi", r"no pixel of the 23 × 31 image; draw it on this movie")
    tifffile.imwrite(tmp_path / "empty.tif", np.zeros(SHAPE, np.uint8))
    refused(tmp_path, "empty.tif", "no pixel of the 23 × 31 image")


def test_masks_of_another_size_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", np.ones((31, 23), np.uint8))
    refused(tmp_path, "m.tif", "the mask is 31 × 23 where the movie has 23 × 31 pixels")
    stack = np.ones((4, *SHAPE), np.uint8)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    refused(tmp_path, "stack.tif", "the mask is 4 × 23 × 31 where the movie has 23 × 31")


@pytest.fixture
def movie():
    """Two bright squares on a dim one; the brighter one would decide Otsu's threshold."""
    frames = background_movie(60, *SHAPE)
    frames[:, 4:8, 5:10] += np.uint16(300)
    frames[:, 12:18, 15:25] += np.uint16(3000)
    return array_movie(frames)


def test_only_pixels_inside_count_and_otsu_looks_inside(tmp_path, movie):
    path = tmp_path / "left.roi"
    box(TYPE.RECT, 0, 0, 12, 23).tofile(path)
    everywhere, inside = extract_pixels(movie), extract_pixels(movie, roi=path)
    assert everywhere.n_traces == 60  # the bright square hides the other
    # Otsu's threshold is the centre of one of 256 bins: a pixel of the background may be above it
    found = set(zip(inside.rows, inside.cols, strict=True))
    assert found >= {(row, col) for row in range(4, 8) for col in range(5, 10)}
    assert len(found) <= 22
    assert inside.history[0].endswith(f"inside {read_region(path, SHAPE)}")
    assert extract_pixels(movie, 200.0).n_traces == 80
    assert extract_pixels(movie, 200.0, roi=path).n_traces == 20


def test_the_note_of_an_extraction_says_the_region(tmp_path, movie):
    box(TYPE.OVAL, 3, 3, 12, 9).tofile(tmp_path / "o.roi")
    settings = TracesSettings(mode="pixels", threshold=200.0, roi=str(tmp_path / "o.roi"))
    found = extract(movie, settings)
    assert "(given threshold) inside o.roi (" in found.note


def test_an_empty_intersection_names_the_brightest_inside(tmp_path, movie):
    box(TYPE.RECT, 0, 0, 12, 23).tofile(tmp_path / "left.roi")
    with pytest.raises(TracesError, match=r"inside left.roi .* of 1000.0 counts; .* has 4\d\d"):
        extract_pixels(movie, 1000.0, roi=tmp_path / "left.roi")


def test_a_region_of_one_pixel_needs_a_threshold(tmp_path, movie):
    box(TYPE.RECT, 5, 5, 6, 6).tofile(tmp_path / "one.roi")
    with pytest.raises(TracesError, match=r"constant at .* inside one.roi .* give --threshold"):
        extract_pixels(movie, roi=tmp_path / "one.roi")
    assert extract_pixels(movie, 100.0, roi=tmp_path / "one.roi").n_traces == 1


def test_a_region_of_dead_pixels_is_named(tmp_path):
    frames = background_movie(20, *SHAPE).astype(np.float32)
    frames[:, :5, :5] = np.nan
    box(TYPE.RECT, 0, 0, 5, 5).tofile(tmp_path / "dead.roi")
    with pytest.raises(TracesError, match=r"no pixel inside dead.roi .* is finite in any frame"):
        extract_pixels(array_movie(frames), roi=tmp_path / "dead.roi")
    with pytest.raises(TracesError, match="the brightest has no finite frame"):
        extract_pixels(array_movie(frames), 5.0, roi=tmp_path / "dead.roi")
