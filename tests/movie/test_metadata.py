"""Frame interval and pixel size: the user beats measured times, these beat nominal values."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import Movie, open_movie
from umlpsd_gpu.movie.metadata import measure_step
from umlpsd_gpu.movie.settings import MovieSettings

FRAMES = np.arange(6 * 8 * 8, dtype="u2").reshape(6, 8, 8)


def imagej_movie(path: Path, resolution: float = 1.0, **description: object) -> Movie:
    lines = "".join(f"{name}={value}\n" for name, value in description.items())
    text = f"ImageJ=1.54f\nimages=6\nframes=6\n{lines}"
    options = {"resolution": (resolution, resolution), "resolutionunit": "none"}
    tifffile.imwrite(path, FRAMES, description=text, metadata=None, **options)
    return open_movie(path)


@pytest.mark.parametrize(
    ("description", "dt_s", "origin"),
    [
        ({"finterval": 0.25}, 0.25, "nominal (ImageJ finterval)"),
        ({"finterval": 250, "tunit": "ms"}, 0.25, "nominal (ImageJ finterval)"),
        ({"finterval": 0.25, "fps": 7}, 0.25, "nominal (ImageJ finterval)"),
        ({"finterval": 0.25, "tunit": "seconds"}, 0.25, "nominal (ImageJ finterval)"),
        ({"fps": 20}, None, "unknown"),
        ({"finterval": 0, "fps": 0}, None, "unknown"),
        ({"finterval": -1}, None, "unknown"),
        ({"finterval": "nan"}, None, "unknown"),
        ({"finterval": "soon"}, None, "unknown"),
        ({"finterval": 3, "tunit": "weeks"}, None, "unknown"),
        ({}, None, "unknown"),
    ],
)
def test_imagej_interval(tmp_path: Path, description: dict, dt_s: float, origin: str) -> None:
    movie = imagej_movie(tmp_path / "movie.tif", **description)
    assert (movie.dt_s, movie.dt_origin, movie.dt_nominal_s) == (dt_s, origin, dt_s)


def test_an_unknown_interval_is_asked_for(tmp_path: Path) -> None:
    movie = imagej_movie(tmp_path / "movie.tif")
    with pytest.raises(MovieError, match="--dt-s"):
        movie.known_dt_s()


def test_the_users_interval_wins_and_the_nominal_is_kept(tmp_path: Path) -> None:
    imagej_movie(tmp_path / "movie.tif", finterval=0.25)
    movie = open_movie(tmp_path / "movie.tif", MovieSettings(dt_s=0.3, pixel_size_um=0.1))
    assert (movie.dt_s, movie.dt_origin, movie.dt_nominal_s) == (0.3, "user", 0.25)
    assert (movie.pixel_size_um, movie.pixel_size_origin) == (0.1, "user")


@pytest.mark.parametrize(
    ("unit", "resolution", "pixel_size_um"),
    [
        ("micron", 8.0, 0.125),
        ("um", 8.0, 0.125),
        ("\\u00B5m", 8.0, 0.125),
        ("nm", 0.008, 0.125),
        ("mm", 8000.0, 0.125),
        ("inch", 72.0, None),
        ("pixel", 8.0, None),
    ],
)
def test_imagej_pixel_size(
    tmp_path: Path, unit: str, resolution: float, pixel_size_um: float | None
) -> None:
    movie = imagej_movie(tmp_path / "movie.tif", resolution, unit=unit)
    if pixel_size_um is None:
        assert (movie.pixel_size_um, movie.pixel_size_origin) == (None, "unknown")
    else:
        assert movie.pixel_size_um == pytest.approx(pixel_size_um, rel=1e-6)
        assert movie.pixel_size_origin == "ImageJ XResolution"


def test_72_dpi_is_no_pixel_size(tmp_path: Path) -> None:
    options = {"resolution": (72, 72), "resolutionunit": "inch", "metadata": None}
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, **options)
    assert open_movie(tmp_path / "movie.tif").pixel_size_um is None


def ome_movie(path: Path, metadata: dict) -> Movie:
    tifffile.imwrite(path, FRAMES, ome=True, metadata={"axes": "TYX", **metadata})
    return open_movie(path)


def test_ome_nominal_interval_and_pixel_size_with_units(tmp_path: Path) -> None:
    metadata = {
        "TimeIncrement": 30.0,
        "TimeIncrementUnit": "ms",
        "PhysicalSizeX": 65.0,
        "PhysicalSizeXUnit": "nm",
    }
    movie = ome_movie(tmp_path / "movie.ome.tif", metadata)
    assert movie.dt_s == pytest.approx(0.030)
    assert movie.dt_origin == "nominal (OME TimeIncrement)"
    assert movie.pixel_size_um == pytest.approx(0.065)
    assert movie.pixel_size_origin == "OME PhysicalSizeX"


def test_ome_times_beat_the_increment(tmp_path: Path) -> None:
    times_ms = [10.0, 196.0, 381.0, 567.0, 753.0, 938.0]
    metadata = {
        "TimeIncrement": 0.15,
        "Plane": {"DeltaT": times_ms, "DeltaTUnit": ["ms"] * 6},
    }
    movie = ome_movie(tmp_path / "movie.ome.tif", metadata)
    assert movie.dt_s == pytest.approx(0.1856)
    assert movie.dt_origin == "measured timestamps (OME DeltaT)"
    assert movie.dt_nominal_s == pytest.approx(0.15)


def note(frame: int, elapsed_ms: float, channel: int = 0, **others: object) -> dict:
    return {
        "ElapsedTime-ms": elapsed_ms,
        "FrameIndex": frame,
        "ChannelIndex": channel,
        "SliceIndex": 0,
        "PositionIndex": 0,
        **others,
    }


def write_micromanager_stack(path: Path, notes: list[dict], frames: np.ndarray = FRAMES) -> None:
    with tifffile.TiffWriter(path) as writer:
        for frame, frame_note in zip(frames, notes, strict=True):
            tag = (51123, "s", 0, json.dumps(frame_note), True)
            writer.write(frame, contiguous=False, metadata=None, extratags=[tag])


def test_micromanager_times_beat_its_interval(tmp_path: Path) -> None:
    summary = {"Interval_ms": 150, "Frames": 6, "PixelSize_um": 0.108}
    times_ms = [1157, 1343, 1528, 1714, 1900, 2085]
    notes = [note(frame, time_ms, Summary=summary) for frame, time_ms in enumerate(times_ms)]
    write_micromanager_stack(tmp_path / "movie.tif", notes)
    movie = open_movie(tmp_path / "movie.tif")
    assert movie.dt_s == pytest.approx(0.1856)
    assert movie.dt_origin == "measured timestamps (Micro-Manager ElapsedTime-ms)"
    assert movie.dt_nominal_s == pytest.approx(0.15)
    assert movie.pixel_size_um == pytest.approx(0.108)


def with_micromanager_header(path: Path, summary: dict) -> None:
    """Put the summary where Micro-Manager does: after the first 32 bytes of the file.

    The first page's description makes room for it and moves to the end of the file.
    """
    blob = bytearray(path.read_bytes())
    (n_tags,) = struct.unpack_from("<H", blob, 8)
    description = blob[8 : 8 + 2 + 12 * n_tags + 4]
    text = json.dumps(summary).encode()
    header = struct.pack("<6I", 54773648, 0, 483765892, 0, 99384722, 0)
    header += struct.pack("<2I", 2355492, len(text)) + text
    assert len(header) <= len(description)
    struct.pack_into("<I", blob, 4, len(blob))
    blob += description
    blob[8 : 8 + len(header)] = header
    path.write_bytes(blob)


def test_micromanagers_summary_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "movie.tif"
    write_micromanager_stack(path, [note(frame, 186 * frame) for frame in range(6)])
    with_micromanager_header(path, {"Interval_ms": 150, "Frames": 6, "PixelSize_um": 0.1})
    movie = open_movie(path)
    np.testing.assert_array_equal(movie.read_frames(0, 6), FRAMES)
    assert (movie.dt_s, movie.dt_nominal_s) == (pytest.approx(0.186), pytest.approx(0.150))
    assert movie.pixel_size_um == pytest.approx(0.1)


def test_a_gap_in_measured_times_is_told(tmp_path: Path) -> None:
    times_ms = [0, 100, 200, 1200, 1300, 1400]
    write_micromanager_stack(
        tmp_path / "movie.tif", [note(frame, time_ms) for frame, time_ms in enumerate(times_ms)]
    )
    movie = open_movie(tmp_path / "movie.tif")
    assert movie.dt_s == pytest.approx(0.1)
    assert "1 of 5 steps are more than 50 % off the median" in movie.dt_origin


def test_micromanager_indices_place_the_pages(tmp_path: Path) -> None:
    places = [(0, 1), (0, 0), (1, 1), (1, 0), (2, 1), (2, 0)]
    notes = [note(frame, 100 * frame, channel) for frame, channel in places]
    write_micromanager_stack(tmp_path / "movie.tif", notes)
    with pytest.raises(MovieError, match=r"channel \(length 2\)"):
        open_movie(tmp_path / "movie.tif")
    movie = open_movie(tmp_path / "movie.tif", MovieSettings(channel=1))
    np.testing.assert_array_equal(movie.read_frames(0, 3), FRAMES[[0, 2, 4]])
    assert movie.dt_s == pytest.approx(0.1)


def test_frames_that_micromanager_announced_and_never_took(tmp_path: Path) -> None:
    notes = [note(frame, 100 * frame, Summary={"Frames": 10}) for frame in range(6)]
    write_micromanager_stack(tmp_path / "movie.tif", notes)
    with pytest.raises(MovieError, match="it contains 6 complete frames of 10: "):
        open_movie(tmp_path / "movie.tif")


def test_broken_notes_are_no_obstacle(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "movie.tif") as writer:
        for frame in FRAMES:
            tag = (51123, "s", 0, '{"ElapsedTime-ms": ', True)
            writer.write(frame, contiguous=False, metadata=None, extratags=[tag])
    movie = open_movie(tmp_path / "movie.tif")
    assert (movie.n_frames, movie.dt_origin) == (6, "unknown")


def test_the_real_micromanager_file_announces_its_movie(shared_data: Path) -> None:
    with pytest.raises(MovieError, match=r"it contains 1 complete frame of 1000: .*; give the"):
        open_movie(shared_data / "tirf_nucleosomes_frame0_512x512.tif")


def test_a_folder_like_the_real_micromanager_file(shared_data: Path, tmp_path: Path) -> None:
    original = shared_data / "tirf_nucleosomes_frame0_512x512.tif"
    with tifffile.TiffFile(original) as tif:
        info = tif.imagej_metadata["Info"]
        frame = tif.pages.first.asarray()
    times_ms = [1157, 1343, 1528, 1714]
    for number, time_ms in enumerate(times_ms):
        own = json.loads(info) | {"FrameIndex": number, "Frame": number, "ElapsedTime-ms": time_ms}
        own["Summary"]["Frames"] = len(times_ms)
        path = tmp_path / f"img_{number:09d}_Default_000.tif"
        tifffile.imwrite(path, frame + number, imagej=True, metadata={"Info": json.dumps(own)})
    movie = open_movie(tmp_path)
    assert (movie.n_frames, movie.n_rows, movie.n_cols) == (4, 512, 512)
    assert movie.dt_s == pytest.approx(0.1857, abs=1e-4)
    assert movie.dt_nominal_s == pytest.approx(0.150)
    assert movie.pixel_size_um is None
    np.testing.assert_array_equal(movie.read_frames(3, 4)[0], frame + 3)


def test_measured_step_leaves_out_what_is_unknown() -> None:
    nan = np.nan
    assert measure_step(np.array([nan, nan, nan])) is None
    assert measure_step(np.array([1.0])) is None
    assert measure_step(np.array([1.0, nan, 3.0])) is None
    assert measure_step(np.array([3.0, 2.0, 1.0])) is None
    assert measure_step(np.array([2.0, 2.0, 2.0])) is None
    assert measure_step(np.array([-np.inf, np.inf, np.inf, -1e308, 1e308])) is None
    assert measure_step(np.array([0.0, 0.5, nan, 1.5, 2.0])) == (0.5, "")
