"""Movies to traces on the device: the CPU's results, whatever the chunks, memory and streams."""

import logging
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from tests.support.late_streams import LateStreams
from tests.support.movies import array_movie, background_movie, stack_movie
from tests.support.tolerances import SUM_FLOAT64
from umlpsd_gpu.errors import DeviceError, MovieError, TracesError
from umlpsd_gpu.movie.limits import DEFAULT_LIMITS
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.traces import gpu as device
from umlpsd_gpu.traces import gpu_frames as frames_on_device
from umlpsd_gpu.traces import images, photometry
from umlpsd_gpu.traces.extract import extract, extract_emitters
from umlpsd_gpu.traces.gpu_frames import FramesOnDevice
from umlpsd_gpu.traces.pixel_extraction import extract_pixels
from umlpsd_gpu.traces.settings import TracesSettings

BOX = SimpleNamespace(
    photometry="box", psf_sigma_px=1.3, box_radius_px=2, ring_inner_px=4.0, ring_outer_px=7.0
)
CHOICES = SimpleNamespace(
    **dict.fromkeys(("dt_s", "pixel_size_um", "channel", "position", "z")),
    time_axis="time",
    memory_mb=0.05,
    allow_damaged=False,
    join=False,
    missing_frames="refuse",
    limits=DEFAULT_LIMITS,
)
MB = 1e6


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    truth = simulate_movie(folder / "scene.tif", n_emitters=9, n_rows=64, n_cols=64, n_frames=300)
    return truth.path


@pytest.fixture(scope="module")
def emitters():
    """The settings of whole extractions, where the packages that detection needs are installed."""
    pytest.importorskip("skimage")
    pytest.importorskip("pydantic")
    from umlpsd_gpu.traces.settings import TracesSettings

    return TracesSettings()


def watched(movie):
    """Return the movie and the list of stretches that are read of it."""
    read, read_frames = [], movie.read_frames

    def read_and_note(first, stop):
        read.append((first, stop))
        return read_frames(first, stop)

    object.__setattr__(movie, "read_frames", read_and_note)
    return movie, read


def bright_square(dtype=np.uint16, n_frames=70):
    frames = background_movie(n_frames, 30, 41)
    frames[:, 10:15, 20:26] += np.uint16(500)
    return frames.astype(dtype)


def assert_alike(values, expected):
    """Equal to rounding of sums whose terms are up to 100 times the largest value."""
    assert np.array_equal(np.isnan(values), np.isnan(expected))
    allowed = 100 * SUM_FLOAT64 * np.nanmax(np.abs(expected), initial=1.0)
    assert np.nanmax(np.abs(values - expected), initial=0.0) <= allowed


@pytest.mark.parametrize("memory_mb", [256, 0.3, 1e-6])
def test_extraction_equals_that_of_the_cpu(cupy, scene, emitters, memory_mb):
    on_cpu = extract(stack_movie(scene), emitters)
    on_gpu = extract(stack_movie(scene, memory_mb=memory_mb), emitters, n_threads=2, device="gpu")
    assert on_gpu.traces.n_traces == 9
    assert isinstance(on_gpu.traces.values, np.ndarray)
    assert_alike(on_gpu.traces.values, on_cpu.traces.values)
    assert np.array_equal(on_gpu.traces.rows, on_cpu.traces.rows)
    assert np.array_equal(on_gpu.traces.cols, on_cpu.traces.cols)
    assert np.array_equal(on_gpu.mean_image, on_cpu.mean_image)
    assert on_gpu.note == on_cpu.note
    assert on_gpu.traces.history == on_cpu.traces.history


def test_pixels_equal_those_of_the_cpu(cupy):
    settings = TracesSettings(mode="pixels", threshold=300.0)
    for dtype, memory_mb in [(np.uint16, 256), (np.float32, 0.05), (np.int32, 1e-6)]:
        movie = array_movie(bright_square(dtype), memory_mb=memory_mb)
        on_cpu, on_gpu = extract(movie, settings), extract(movie, settings, device="gpu")
        assert on_gpu.traces.n_traces == 30
        assert on_gpu.traces.values.dtype == np.float32
        assert np.array_equal(on_gpu.traces.values, on_cpu.traces.values)
        assert on_gpu.note == on_cpu.note


def test_pixels_that_are_not_finite_at_times_are_kept(cupy):
    frames = bright_square(np.float64)
    frames[7, 12, 22], frames[3:9, 13, 23], frames[:, 0, 0] = np.nan, np.inf, np.nan
    traces = extract_pixels(array_movie(frames, memory_mb=0.1), 300.0, device="gpu")
    expected = extract_pixels(array_movie(frames), 300.0, device="cpu")
    assert np.array_equal(traces.values, expected.values, equal_nan=True)
    assert traces.usable().sum() == 28


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_frames", [2, 33, 203])
def test_images_have_the_bits_of_the_cpu(cupy, dtype, n_frames):
    rng = np.random.default_rng(0)
    frames = (rng.random((n_frames, 23, 17)) * 250).astype(dtype)
    expected = images.temporal_images(array_movie(frames))
    for memory_mb in (256, 0.01, 1e-6):
        found = device.temporal_images(FramesOnDevice(array_movie(frames, memory_mb=memory_mb), 2))
        assert np.array_equal(found.mean, expected.mean)
        assert np.array_equal(found.variance, expected.variance)
        assert found.n_frames_per_block == expected.n_frames_per_block
        assert found.lost_px == expected.lost_px


@pytest.mark.parametrize(
    "how", [{}, {"byteorder": ">"}, {"compression": "zlib"}, {"contiguous": False}]
)
def test_files_read_straight_into_pinned_memory_and_packed_ones(cupy, tmp_path, how):
    frames = background_movie(41, 19, 23)
    tifffile.imwrite(tmp_path / "m.tif", frames, photometric="minisblack", **how)
    movie = open_movie(tmp_path / "m.tif", CHOICES)
    assert hasattr(movie.read_frames, "read_into") == ("compression" not in how)
    found = device.temporal_images(FramesOnDevice(movie, 2))
    assert np.array_equal(found.mean, frames.mean(axis=0))


@pytest.mark.parametrize("photometry_of", ["box", "gaussian"])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_photometry_equals_that_of_the_cpu(cupy, photometry_of, dtype):
    settings = SimpleNamespace(**(vars(BOX) | {"photometry": photometry_of}))
    frames = background_movie(67, 40, 45).astype(dtype)
    if dtype == np.float32:
        frames[5, 10, 12], frames[66, 24, 33] = np.nan, np.inf
    # the last three lie at borders and in a corner
    rows, cols = np.array([10.2, 20.7, 0.0, 39.0, 39.4]), np.array([12.1, 33.3, 0.0, 20.5, 44.4])
    others = np.array([[14.0, 15.0]])
    expected = photometry.measure_emitters(array_movie(frames), rows, cols, settings, others=others)
    for memory_mb in (256, 0.02, 1e-6):
        there = FramesOnDevice(array_movie(frames, memory_mb=memory_mb), 3)
        assert_alike(device.measure_emitters(there, rows, cols, settings, others), expected)


def test_no_emitters_give_no_traces_and_places_outside_are_refused(cupy):
    frames = FramesOnDevice(array_movie(background_movie(4)))
    assert device.measure_emitters(frames, np.empty(0), np.empty(0), BOX).shape == (0, 4)
    with pytest.raises(TracesError, match="outside the image of 64 × 64 pixels"):
        device.measure_emitters(frames, np.array([64.0]), np.array([3.0]), BOX)


def test_a_movie_that_fits_is_read_once(cupy):
    movie, read = watched(array_movie(background_movie(50, 31, 33), memory_mb=0.1))
    frames = FramesOnDevice(movie, 2)
    device.temporal_images(frames)
    n_read = len(read)
    first = device.measure_emitters(frames, np.array([9.0]), np.array([9.0]), BOX)
    second = device.measure_emitters(frames, np.array([9.0]), np.array([9.0]), BOX)
    assert np.array_equal(first, second)
    assert len(read) == n_read
    assert sorted(frame for span in read for frame in range(*span)) == list(range(50))


def free_memory(monkeypatch, n_bytes):
    for module in (frames_on_device, device):
        monkeypatch.setattr(module, "free_bytes", lambda: n_bytes)


def test_a_movie_that_does_not_fit_is_read_by_each_pass(cupy, monkeypatch):
    movie, read = watched(array_movie(background_movie(50, 31, 33)))
    expected = photometry.measure_emitters(movie, np.array([9.0]), np.array([9.0]), BOX)
    read.clear()
    free_memory(monkeypatch, 20_000)  # a frame has 2046 bytes, a column of the trace 8
    frames = FramesOnDevice(movie, 1)
    assert_alike(device.measure_emitters(frames, np.array([9.0]), np.array([9.0]), BOX), expected)
    images_found = device.temporal_images(frames)
    assert np.array_equal(images_found.mean, movie.read_frames(0, 50).mean(axis=0))
    assert max(stop - first for first, stop in read[:-1]) == 2
    assert sorted(frame for span in read[:-1] for frame in range(*span)) == sorted(
        2 * list(range(50))
    )


@pytest.mark.parametrize("n_columns", [1, 7, 49, 50])
def test_columns_come_down_as_they_fit(cupy, monkeypatch, n_columns):
    movie = array_movie(background_movie(50, 31, 33), memory_mb=0.05)
    rows, cols = np.array([9.0, 20.3, 11.0]), np.array([9.0, 21.0, 15.5])
    expected = device.measure_emitters(FramesOnDevice(movie), rows, cols, BOX)
    pixels = device.take_pixels(FramesOnDevice(movie), np.arange(31), np.arange(31))
    frames = FramesOnDevice(movie)
    device.temporal_images(frames)  # now the movie is there: one chunk
    monkeypatch.setattr(device, "USABLE_SHARE", 1.0)
    for there in (FramesOnDevice(movie), frames):
        monkeypatch.setattr(device, "free_bytes", lambda: n_columns * 3 * 8)
        assert np.array_equal(device.measure_emitters(there, rows, cols, BOX), expected)
        monkeypatch.setattr(device, "free_bytes", lambda: n_columns * 31 * 4)
        assert np.array_equal(device.take_pixels(there, np.arange(31), np.arange(31)), pixels)


def small_device(cupy, monkeypatch, largest):
    """Let allocations above ``largest`` bytes fail."""
    empty = cupy.empty

    def limited(shape, dtype=float):
        if np.prod(shape) * np.dtype(dtype).itemsize > largest:
            raise cupy.cuda.memory.OutOfMemoryError(1, 1)
        return empty(shape, dtype)

    monkeypatch.setattr(cupy, "empty", limited)


def test_out_of_memory_makes_chunks_shorter_and_is_logged(cupy, monkeypatch, caplog):
    movie = array_movie(background_movie(50, 31, 33))
    rows, cols = np.array([9.0, 20.3]), np.array([9.0, 21.0])
    expected = device.measure_emitters(FramesOnDevice(movie), rows, cols, BOX)
    small_device(cupy, monkeypatch, 9000)
    with caplog.at_level(logging.WARNING, "umlpsd_gpu"):
        values = device.measure_emitters(FramesOnDevice(movie), rows, cols, BOX)
    assert np.array_equal(values, expected)
    messages = [record.getMessage() for record in caplog.records]
    assert any("array.tif does not stay there" in message for message in messages)
    assert any("6 frames at a time instead of 12" in message for message in messages)
    caplog.clear()
    small_device(cupy, monkeypatch, 300)
    with pytest.raises(DeviceError, match="not even one of the frames fits"):
        device.measure_emitters(FramesOnDevice(movie), rows, cols, BOX)
    small_device(cupy, monkeypatch, 15)
    with pytest.raises(DeviceError, match="one of the frames of 2 traces fits"):
        device.measure_emitters(FramesOnDevice(movie), rows, cols, BOX)


@pytest.mark.parametrize("memory_mb", [0.02, 0.1, 1.0])
def test_host_memory_stays_within_the_bound(cupy, monkeypatch, memory_mb):
    movie, read = watched(array_movie(background_movie(300, 30, 30), memory_mb=memory_mb))
    pin, pinned = cupy.cuda.alloc_pinned_memory, []
    monkeypatch.setattr(cupy.cuda, "alloc_pinned_memory", lambda n: (pinned.append(n), pin(n))[1])
    device.temporal_images(FramesOnDevice(movie, 3))
    rounded_up = sum(1 << (n_bytes - 1).bit_length() for n_bytes in pinned)
    in_threads = 3 * max(stop - first for first, stop in read) * 1800
    assert rounded_up <= memory_mb * MB / 2
    assert in_threads <= memory_mb * MB / 2
    assert max(pinned) > memory_mb * MB / 16  # the bound is used, too


def test_frames_that_cannot_be_read_are_named_and_threads_end(cupy):
    frames = background_movie(60, 31, 33)

    def read(first, stop):
        if first <= 40 < stop:
            raise MovieError("array.tif", "the file became shorter", 40)
        return frames[first:stop]

    movie = array_movie(frames, memory_mb=0.05)
    object.__setattr__(movie, "read_frames", read)
    n_threads = threading.active_count()
    with pytest.raises(MovieError, match="frame 40"):
        device.temporal_images(FramesOnDevice(movie, 2))
    assert threading.active_count() == n_threads


def test_a_pass_that_was_left_is_begun_again(cupy):
    movie = array_movie(background_movie(50, 31, 33), memory_mb=0.05)
    frames = FramesOnDevice(movie, 2)
    for first, _ in frames.chunks():
        if first:
            break
    found = device.temporal_images(frames)
    assert np.array_equal(found.mean, movie.read_frames(0, 50).mean(axis=0))


def worked_on_late(cupy, monkeypatch, keeps_movie, **how):
    """Return whether images and traces are right when the streams do their work late."""
    with monkeypatch.context() as patch:
        if not keeps_movie:
            patch.setattr(frames_on_device, "KEPT_SHARE", 0.0)
        LateStreams(cupy, patch, **how)
        movie = array_movie(background_movie(90, 20, 21), memory_mb=0.03)
        frames = FramesOnDevice(movie, 2)
        where = np.array([9.0, 11.3]), np.array([9.0, 12.0])
        mean = device.temporal_images(frames).mean
        values = device.measure_emitters(frames, *where, BOX)
    expected = photometry.measure_emitters(movie, *where, BOX)
    is_right = np.allclose(values, expected, rtol=1e-9, atol=1e-6)
    return is_right and np.array_equal(mean, images.temporal_images(movie).mean)


@pytest.fixture
def stand_in(cupy):
    if not hasattr(cupy, "raw"):
        pytest.skip("streams of a real device can't be held back")
    return cupy


@pytest.mark.parametrize("keeps_movie", [True, False])
@pytest.mark.parametrize("eager", [(), ("copying",), ("computing",), ("copying", "computing")])
def test_events_order_reading_copying_and_computing(stand_in, monkeypatch, keeps_movie, eager):
    assert worked_on_late(stand_in, monkeypatch, keeps_movie, eager=eager)


@pytest.mark.parametrize(
    ("eager", "missing"),
    [
        (("computing",), "event.synchronize"),  # a pinned buffer is filled before it was copied
        (("computing",), "computing.wait_event"),  # kernels run before their frames are there
        (("copying",), "copying.wait_event"),  # frames are overwritten before kernels have run
    ],
)
def test_every_wait_is_needed(stand_in, monkeypatch, eager, missing):
    """The test above can fail: without any one of the waits it does."""
    assert not worked_on_late(stand_in, monkeypatch, False, eager=eager, ignored=(missing,))


def test_drift_is_corrected_on_the_cpu_and_the_note_says_so(cupy, scene, emitters):
    settings = emitters.model_copy(update={"drift_correction": "on"})
    on_cpu = extract(stack_movie(scene), settings)
    on_gpu = extract(stack_movie(scene), settings, device="gpu")
    assert np.array_equal(on_gpu.traces.values, on_cpu.traces.values)
    assert "scene.tif: its traces were extracted on the CPU, which corrects drift." in on_gpu.note
    assert "CPU" not in on_cpu.note


def test_errors_are_those_of_the_cpu(cupy, emitters):
    constant = array_movie(np.full((40, 31, 31), 7, np.uint16))
    with pytest.raises(TracesError, match="every pixel of the movie is constant at 7 counts"):
        extract_emitters(constant, device="gpu")
    with pytest.raises(TracesError, match="no threshold"):
        extract_pixels(constant, device="gpu")


def test_the_verbs_refuse_a_device_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    movie = array_movie(background_movie(2))
    for verb, settings in ((extract_emitters, BOX), (extract_pixels, 300.0)):
        with pytest.raises(DeviceError, match="'gpu' was asked for"):
            verb(movie, settings, device="gpu")


LEAN = """
import sys
for name in "pydantic natsort pywt skimage pandas matplotlib typer jinja2".split():
    sys.modules[name] = None
from types import SimpleNamespace
import numpy as np
from umlpsd_gpu.movie.limits import DEFAULT_LIMITS
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.traces.photometry import measure_emitters
import umlpsd_gpu.traces.gpu, umlpsd_gpu.traces.gpu_frames
chosen = dict.fromkeys("dt_s pixel_size_um channel position z".split())
movie = open_movie(sys.argv[1], SimpleNamespace(
    **chosen, time_axis="time", memory_mb=256, allow_damaged=False, join=False,
    missing_frames="refuse", limits=DEFAULT_LIMITS))
box = SimpleNamespace(
    photometry="box", box_radius_px=2, ring_inner_px=4.0, ring_outer_px=7.0, psf_sigma_px=1.3)
print(measure_emitters(movie, np.array([30.0]), np.array([30.0]), box).shape)
assert "cupy" not in sys.modules
"""


def test_a_tiff_becomes_traces_with_few_packages(scene):
    ran = subprocess.run(
        [sys.executable, "-c", LEAN, str(scene)], capture_output=True, text=True, check=False
    )
    assert ran.stdout == "(1, 300)\n", ran.stderr
