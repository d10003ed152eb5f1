"""particle_pixels, in C and CUDA: against the twin, shapes at and beyond the crop, same bits."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.cupy_on_cpu.raw import ORDER
from tests.test_packages import ROOT
from umlpsd_gpu.compute import cpu_kernel
from umlpsd_gpu.shapes import gpu, pixel_engines
from umlpsd_gpu.shapes.crops import cut_crops
from umlpsd_gpu.shapes.pixel_model import (
    PixelData,
    Tasks,
    blur_table,
    nodes_per_quarter,
    pixel_sums,
    render_model,
)
from umlpsd_gpu.shapes.superellipse import SuperEllipse
from umlpsd_gpu.simulate.particle_shapes import render_coverage

# relative to the largest of its kind: sums of 1e3 pixels and 1e2 nodes, in another order
SUMS_FLOAT64 = 1e-11
PARTS = ("chi2", "gradient", "normal")


def problem(psf_px=0.8, n=6, seed=0):
    """Pixels of noise around blobs, and curves of every d, some far off and some too large."""
    rng = np.random.default_rng(seed)
    image, labels = 100 + 10 * rng.standard_normal((60, 40 * n)), np.zeros((60, 40 * n), dtype=int)
    for number in range(n):
        labels[20:40, 40 * number + 10 : 40 * number + 24 + number] = number + 1
    crops = cut_crops(image + 50 * (labels > 0), labels)
    weights = crops.is_usable * rng.uniform(0.5, 2.0, len(crops.values))
    crop, d = np.repeat(np.arange(n), 3), np.tile(np.arange(1, 7), n // 2)
    parameters = np.stack(
        [
            rng.uniform(10, 20, 3 * n),
            rng.uniform(10, 20, 3 * n),
            np.log(rng.uniform(3, 14, 3 * n)),
            np.log(rng.uniform(0.6, 15, 3 * n)),
            rng.uniform(-0.4, 0.8, 3 * n),
            rng.uniform(-7, 7, 3 * n),
            rng.uniform(40, 60, 3 * n),
            rng.uniform(90, 110, 3 * n),
        ],
        axis=1,
    )
    parameters[0, :2], parameters[1, :2], parameters[2, 2] = (-2.0, 5.0), (31.0, 400.0), 4.5
    parameters[3, :2], parameters[4, 0], parameters[5, 3] = (1e7, 0.0), -30.0, np.log(0.3)
    tasks = Tasks(crop, d, nodes_per_quarter(parameters, d, psf_px))
    return PixelData(crops, weights, blur_table(psf_px)), tasks, parameters


def assert_alike(found, expected):
    for part in PARTS:
        ours, theirs = getattr(found, part), getattr(expected, part)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=SUMS_FLOAT64 * np.abs(theirs).max())


def assert_same_bits(found, expected):
    assert all(np.array_equal(getattr(found, part), getattr(expected, part)) for part in PARTS)


@pytest.fixture
def compiled(compiled_kernel):
    if cpu_kernel.library("particle_pixels") is None:
        pytest.fail(f"particle_pixels is {cpu_kernel.why_missing()}")


@pytest.mark.parametrize("psf_px", [0.3, 0.8, 2.1])
def test_c_equals_the_twin(compiled, psf_px):
    arguments = problem(psf_px)
    assert_alike(pixel_engines.native_pixel_sums(*arguments), pixel_sums(*arguments))


@pytest.mark.parametrize("psf_px", [0.5, 1.4])
def test_cuda_equals_the_twin(cupy, psf_px):
    arguments = problem(psf_px, n=2)
    assert_alike(gpu.GpuPixelSums()(*arguments), pixel_sums(*arguments))


def test_threads_change_no_bit(compiled):
    data, tasks, parameters = problem(n=6)
    one = pixel_engines.threaded_pixel_sums(data, tasks, parameters, n_threads=1)
    many = pixel_engines.threaded_pixel_sums(data, tasks, parameters, n_threads=3)
    assert_same_bits(many, one)
    alone = slice(4, 5)
    single = pixel_engines.native_pixel_sums(data, tasks.part(alone), parameters[alone])
    assert np.array_equal(single.normal[0], one.normal[4])


def test_blocks_grids_and_thread_orders_change_no_bit(cupy, monkeypatch):
    arguments = problem(n=2)
    expected = gpu.GpuPixelSums()(*arguments)
    for threads, warps in ((32, 1), (64, 3), (256, 4096)):
        monkeypatch.setattr(gpu, "THREADS", threads)
        monkeypatch.setattr(gpu, "MOST_WARPS", warps)
        assert_same_bits(gpu.GpuPixelSums()(*arguments), expected)
    monkeypatch.setitem(ORDER, "seed", 1)
    assert_same_bits(gpu.GpuPixelSums()(*arguments), expected)


def test_without_the_library_numpy_does_it(monkeypatch):
    monkeypatch.setattr(pixel_engines, "library", lambda name: None)
    arguments = problem(n=2)
    assert_same_bits(pixel_engines.threaded_pixel_sums(*arguments), pixel_sums(*arguments))


def test_every_version_gives_the_same_bits(compiled, tmp_path, monkeypatch):
    """Those that the loader chooses from, and one without vectors at all."""
    pytest.importorskip("hatchling", reason="hatchling, which compiles the kernel, is missing")
    spec = importlib.util.spec_from_file_location("kernels_build", ROOT / "kernels" / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    arguments = problem()
    expected = pixel_engines.native_pixel_sums(*arguments)
    processor = Path("/proc/cpuinfo")
    known = set(processor.read_text().split()) if processor.is_file() else set()
    versions = [("-O1", "-fno-tree-vectorize")]
    versions += [(f"-m{name}",) for name in ("avx2", "avx512f") if name in known]
    for number, options in enumerate(versions):
        folder = tmp_path / "kernels" / str(number)
        folder.mkdir(parents=True)
        source = shutil.copy(ROOT / "kernels" / "particle_pixels.c", folder)
        warnings = "-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-DFOR_EVERY_PROCESSOR="
        library = cpu_kernel.load(build.compile_library(Path(source), [*options, *warnings]))
        monkeypatch.setattr(pixel_engines, "library", lambda name, library=library: library)
        assert_same_bits(pixel_engines.native_pixel_sums(*arguments), expected)


@pytest.mark.parametrize(
    ("d", "p", "l_ratio"),
    [(2, 2.0, 1.0), (2, 15.0, 1.0), (3, 0.75, 1.2), (6, 14.0, 1.3), (1, 5, 2.5)],
)
def test_the_model_is_what_counting_points_gives(d, p, l_ratio):
    """At corners and tips too, where a distance to the outline would be wrong by 0.1."""
    shape = SuperEllipse(20.3, 19.8, 14.0 if d > 1 else 8.0, d, p, l_ratio, 0.37)
    counted = render_coverage(shape, (42, 42), 0.8, oversampling=16)
    parameters = np.array([20.3, 19.8, np.log(shape.size_px), np.log(p), np.log(l_ratio), 0.37])
    n_quarter = nodes_per_quarter(parameters[None], np.array([d]), 0.8)[0]
    cover, slopes = render_model(parameters, d, n_quarter, (42, 42), blur_table(0.8))
    np.testing.assert_allclose(cover, counted, atol=0.006)
    for k in range(6):
        step = np.zeros(6)
        # a few entries of the table long: between two of them its slope is constant
        step[k] = 0.1 if k < 2 else 0.01
        above, below = (
            render_model(parameters + sign * step, d, n_quarter, (42, 42), blur_table(0.8))[0]
            for sign in (1, -1)
        )
        scale = max(np.abs(slopes[k]).max(), 1.0)
        np.testing.assert_allclose(slopes[k], (above - below) / (2 * step[k]), atol=0.03 * scale)
