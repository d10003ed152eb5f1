"""Names of one-frame files: series are told apart, counters and clocks are read as numbers."""

import datetime

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiff_files import frames_of
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie

FRAMES = frames_of(24)


def write(folder, names):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, FRAMES[number % 24], photometric="minisblack")
    return folder


def assert_in_order(movie, n_frames):
    np.testing.assert_array_equal(movie.read_frames(0, movie.n_frames), FRAMES[:n_frames])


IN_ORDER = {
    "counter": [f"img_{i}.tif" for i in range(12)],
    "counter after a point": [f"movie.{i}.tif" for i in range(12)],
    "a version in the name": [f"movie_v1.2_{i}.tif" for i in range(12)],
    "seconds with a point": [f"t_{i * 0.25}s.tif" for i in range(12)],
    "seconds, some without": [f"t_{i * 0.25:g}s.tif" for i in range(12)],
    "below one second": ["t_0.05s.tif", "t_0.1s.tif", "t_0.15s.tif", "t_0.2s.tif"],
    "volts": [f"{i * 0.5 + 8}V.tif" for i in range(12)],
    "letters": ["a.tif", "b.tif", "c.tif"],
    "two suffixes": [f"img_{i}.tif" for i in range(6)] + [f"img_{i}.tiff" for i in range(6, 12)],
    "upper and lower case": [f"{'Ii'[i % 2]}mg_{i}.{'TIF' if i % 3 else 'tif'}" for i in range(12)],
    "clock across the hour": [f"x_{t}.tif" for t in ("125957", "125958", "125959", "130000")],
    "clock in parts": [f"x_12-{i * 10 // 60:02d}-{i * 10 % 60:02d}.tif" for i in range(24)],
    "ISO": [f"x_2024-03-04T12-59-{50 + i // 2:02d}.{i % 2 * 5}00.tif" for i in range(20)],
    "clock and milliseconds": [f"x_20240304_125959_{i * 40:03d}.tif" for i in range(20)],
    "clock and counter": [f"2024-03-04_12-59-5{i // 3}_{i:04d}.tif" for i in range(20)],
    "run and total": [f"run{i // 8}_{i:03d}.tif" for i in range(24)],
    "very many digits": [f"{10**20 + i}.tif" for i in range(12)],
    "signs": [f"img #{i} 100% (x) – 日本.tif" for i in range(12)],
}


@pytest.mark.parametrize("names", IN_ORDER.values(), ids=IN_ORDER.keys())
def test_names_in_order(tmp_path, names):
    assert_in_order(open_movie(write(tmp_path, names)), len(names))


TWO_KINDS = {
    "cameras": ("left_{:04d}.tif", "right_{:04d}.tif"),
    "wavelengths of MetaMorph": ("dots_w1GFP_t{}.TIF", "dots_w2DAPI_t{}.TIF"),
    "filters": ("{}_DAPI.tif", "{}_FITC.tif"),
    "a channel that begins the name": ("GFP-img{}.tif", "RFP-img{}.tif"),
}


@pytest.mark.parametrize("kinds", TWO_KINDS.values(), ids=TWO_KINDS.keys())
def test_two_series_are_asked_about_by_pattern(tmp_path, kinds):
    for kind in kinds:
        write(tmp_path, [kind.format(i) for i in range(12)])
    with pytest.raises(MovieError, match="24 TIFF files are of 2 kinds") as caught:
        open_movie(tmp_path)
    for pattern in caught.value.reason.split("'")[1::2]:
        assert_in_order(open_movie(tmp_path / pattern), 12)


STRANGERS = ["AVG_img.tif", "background.tif", "img_avg.tif", "MAX_img_3.tif", "img_3 - Kopie.tif"]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_file_that_stands_alone_is_named(tmp_path, stranger):
    write(tmp_path, [f"img_{i:04d}.tif" for i in range(12)])
    tifffile.imwrite(tmp_path / stranger, FRAMES[0])
    with pytest.raises(MovieError) as caught:
        open_movie(tmp_path)
    assert stranger in caught.value.reason
    pattern = caught.value.reason.split("'")[1]
    if stranger != "img_3 - Kopie.tif":
        assert_in_order(open_movie(tmp_path / pattern), 12)
    with pytest.raises(MovieError, match="kinds"):
        open_movie(tmp_path / "*.tif")
    assert open_movie([tmp_path / "img_0001.tif", tmp_path / stranger]).n_frames == 2


def test_equal_numbers_are_named(tmp_path):
    write(tmp_path, [*(f"img_{i}.tif" for i in range(6)), "img_03.tif"])
    with pytest.raises(MovieError, match=r"img_03\.tif and img_3\.tif have the same number"):
        open_movie(tmp_path)


GRIDS = {
    "time, channel": [f"t{i // 2}_c{i % 2}.tif" for i in range(24)],
    "channel, time": [f"c{i // 12}_t{i % 12}.tif" for i in range(24)],
    "one missing": [f"t{i // 2}_c{i % 2}.tif" for i in range(23)],
    "dyes": [f"cy{3 + i % 2 * 2}_{i // 2}.tif" for i in range(24)],
    "cameras in turn": [f"cam{i % 2}_{i:03d}.tif" for i in range(24)],
    "position, time": [f"pos{i // 8}/img_{i % 8}.tif" for i in range(24)],
}


@pytest.mark.parametrize("names", GRIDS.values(), ids=GRIDS.keys())
def test_two_counters_are_asked_about(tmp_path, names):
    write(tmp_path, names)
    with pytest.raises(MovieError, match=r"count in 2 places .*pattern in quotes such as"):
        open_movie(tmp_path / "*/*.tif" if "/" in names[0] else tmp_path)


@pytest.mark.parametrize("folder", ["Probe [A] 2 %", "[x]", "a*b", "Größe 5 µm – 日本", "q?[1-3]"])
def test_a_pattern_in_a_folder_whose_name_looks_like_one(tmp_path, folder):
    names = [f"img {i}.tif" for i in range(12)]
    write(tmp_path / folder, names)
    assert_in_order(open_movie(tmp_path / folder / "img *.tif"), 12)
    assert_in_order(open_movie(tmp_path / folder), 12)
    assert open_movie(tmp_path / folder / "img [0-3].tif").n_frames == 4


TEXT = st.text(st.characters(whitelist_categories=("Lu", "Ll"), max_codepoint=0x24F), max_size=6)


@settings(max_examples=40, deadline=None)
@given(
    before=TEXT,
    after=TEXT,
    start=st.integers(0, 200),
    step=st.integers(1, 50),
    n_digits=st.integers(0, 6),
    n_files=st.integers(2, 15),
)
def test_any_counter(tmp_path_factory, before, after, start, step, n_digits, n_files):
    folder = tmp_path_factory.mktemp("names")
    numbers = [start + step * i for i in range(n_files)]
    write(folder, [f"{before}_{number:0{n_digits}d}_{after}.tif" for number in numbers])
    assert_in_order(open_movie(folder), n_files)


@settings(max_examples=40, deadline=None)
@given(
    start=st.datetimes(datetime.datetime(2001, 1, 1), datetime.datetime(2040, 1, 1)),
    step_s=st.floats(0.05, 4000),
    form=st.sampled_from(
        [
            "%Y-%m-%d_%H-%M-%S.{ms}",
            "%Y%m%d_%H%M%S_{ms}",
            "%Y.%m.%d %H.%M.%S,{ms}",
            "%Y_%m_%d-%H_%M_%S_{ms}",
        ]
    ),
    n_files=st.integers(3, 15),
)
def test_any_clock(tmp_path_factory, start, step_s, form, n_files):
    folder = tmp_path_factory.mktemp("clock")
    times = [start + datetime.timedelta(seconds=step_s * i) for i in range(n_files)]
    names = [t.strftime(form).format(ms=f"{t.microsecond // 1000:03d}") for t in times]
    write(folder, [f"Image_{name}.tif" for name in names])
    assert_in_order(open_movie(folder), n_files)


@settings(max_examples=40, deadline=None)
@given(
    step=st.sampled_from([0.05, 0.1, 0.25, 0.5, 1.5]),
    unit=st.sampled_from(["s", "ms", "min", "V", "nm"]),
    start=st.integers(0, 20),
    n_files=st.integers(3, 15),
)
def test_any_decimal(tmp_path_factory, step, unit, start, n_files):
    folder = tmp_path_factory.mktemp("decimals")
    write(folder, [f"t_{start + step * i:.10g}{unit}.tif" for i in range(n_files)])
    assert_in_order(open_movie(folder), n_files)
