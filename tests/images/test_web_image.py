"""PNG and JPEG: grey values, colours, lying and damaged headers."""

import struct

import imagecodecs
import numpy as np
import pytest

from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.images.open import open_micrograph

GREY = np.random.default_rng(0).integers(0, 255, (70, 90), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 255, (70, 90, 3), dtype=np.uint8)


def save(place, name, data):
    (place / name).write_bytes(data)
    return place / name


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_png_keeps_its_values(place, dtype):
    values = GREY.astype(dtype) * (100 if dtype == np.uint16 else 1)
    found = open_micrograph(save(place, "a.png", imagecodecs.png_encode(values)))
    np.testing.assert_array_equal(found.image, values.astype(np.float32))
    assert found.pixel_size_m is None


def test_equal_channels_and_opacity_are_grey(place):
    opaque = np.full_like(GREY, 255)
    for name, layers in (("ga", (GREY, opaque)), ("rgb", (GREY,) * 3), ("rgba", (GREY,) * 3)):
        stack = (*layers, opaque) if name == "rgba" else layers
        data = imagecodecs.png_encode(np.stack(stack, axis=-1))
        found = open_micrograph(save(place, f"{name}.png", data))
        np.testing.assert_array_equal(found.image, GREY)


def test_colour_needs_a_word(place):
    path = save(place, "a.png", imagecodecs.png_encode(COLOUR))
    with pytest.raises(MovieError, match="colour image"):
        open_micrograph(path)
    found = open_micrograph(path, is_luminance_taken=True)
    expected = COLOUR @ np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose(found.image, expected, rtol=1e-5)
    assert "luminance" in found.notes[0]


def test_jpeg_is_read_with_a_note_on_its_blocks(place):
    data = imagecodecs.jpeg8_encode(GREY, level=100)
    for name in ("a.jpg", "b.JPEG"):
        found = open_micrograph(save(place, name, data))
        assert np.abs(found.image - GREY).max() < 8
        assert "blocks of 8 pixels" in found.notes[0]


def test_sizes_are_checked_before_anything_is_decoded(place):
    png, jpeg = imagecodecs.png_encode(GREY), imagecodecs.jpeg8_encode(GREY)
    bomb = png[:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + png[24:]
    at = jpeg.index(b"\xff\xc0")
    large = jpeg[: at + 5] + struct.pack(">HH", 65_000, 65_000) + jpeg[at + 9 :]
    for name, data in (("a.png", bomb), ("a.jpg", large)):
        with pytest.raises(MovieError, match="are allowed; crop it"):
            open_micrograph(save(place, name, data))


@pytest.mark.parametrize("keep", [0, 5, 20, 30, 200, 0.5])
def test_damaged_files_are_refused_in_one_sentence(place, keep):
    data = imagecodecs.png_encode(GREY)
    n = int(len(data) * keep) if isinstance(keep, float) else keep
    with pytest.raises(MovieError, match="damaged") as caught:
        open_micrograph(save(place, "a.png", data[:n]))
    assert "\n" not in str(caught.value)
    if n < 200:
        jpeg = imagecodecs.jpeg8_encode(GREY)[:n]
        with pytest.raises(MovieError, match="damaged"):
            open_micrograph(save(place, "a.jpg", jpeg))
