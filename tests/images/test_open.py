"""Single images from files, with their scale; what is no single image."""

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.errors import MovieError, TracesError
from umlpsd_gpu.images.data_bar import find_data_bar
from umlpsd_gpu.images.open import open_micrograph


def picture(n_rows=120, n_columns=160, dtype=np.uint8, seed=0):
    values = np.random.default_rng(seed).normal(120, 20, size=(n_rows, n_columns))
    return np.clip(values, 1, 254).astype(dtype)


def with_bar(image, n_bar=24, background=0):
    """Return an image with a bar of one value and some text on it."""
    image = image.copy()
    image[-n_bar:] = background
    image[-n_bar + 8 : -8, 10:40:3] = 255 - background
    return image


def test_scale_of_imagej_is_read(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, picture(), imagej=True, resolution=(50, 50), metadata={"unit": "nm"})
    found = open_micrograph(path)
    assert found.pixel_size_m == pytest.approx(2e-11)
    np.testing.assert_array_equal(found.image, picture())
    assert open_micrograph(path, 1e-9).pixel_size_origin == "user"


def test_plain_resolution_is_not_trusted(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, picture(), resolution=(72, 72), resolutionunit="INCH")
    assert open_micrograph(path).pixel_size_m is None


def test_tags_of_fei_give_scale_and_rows_of_the_scan(tmp_path):
    path = tmp_path / "fei.tif"
    text = "[Scan]\r\nPixelWidth=2.5e-009\r\n[Image]\r\nResolutionX=160\r\nResolutionY=100\r\n"
    tags = [(34682, "s", 0, text, True)]
    tifffile.imwrite(path, picture(), extratags=tags)
    found = open_micrograph(path)
    assert found.pixel_size_m == pytest.approx(2.5e-9)
    assert found.pixel_size_origin == "FEI PixelWidth"
    assert found.n_bar_rows == 20
    assert found.image.shape == (100, 160)
    assert "data bar of 20 rows" in found.notes[0]
    assert open_micrograph(path, cut_data_bar=False).image.shape == (120, 160)


def test_tags_of_zeiss_give_the_scale(tmp_path):
    path = tmp_path / "zeiss.tif"
    text = "\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 4.25 nm\r\n"
    tifffile.imwrite(path, picture(), extratags=[(34118, "s", 0, text, True)])
    assert open_micrograph(path).pixel_size_m == pytest.approx(4.25e-9)


@pytest.mark.parametrize("background", [0, 255])
@pytest.mark.parametrize("n_bar", [16, 24])
def test_data_bars_are_found(background, n_bar):
    assert find_data_bar(with_bar(picture(), n_bar, background)) == n_bar


@pytest.mark.parametrize(
    "image",
    [
        picture(),
        np.zeros((120, 160), np.uint8),
        np.where(picture() > 140, picture(), 0),  # dark with bright specks everywhere
        np.add.outer(np.linspace(200, 0, 120), np.zeros(160)).astype(np.uint8),
    ],
)
def test_images_without_a_bar_stay_whole(image):
    assert find_data_bar(image) == 0


def test_grey_saved_in_colours_is_read_and_colour_refused(tmp_path):
    path = tmp_path / "rgb.tif"
    grey = np.repeat(picture()[:, :, None], 3, axis=2)
    tifffile.imwrite(path, grey, photometric="rgb")
    np.testing.assert_array_equal(open_micrograph(path).image, picture())
    grey[3, 4, 0] = 255
    tifffile.imwrite(path, grey, photometric="rgb")
    with pytest.raises(MovieError, match=r"colour image.*--luminance"):
        open_micrograph(path)
    assert open_micrograph(path, is_luminance_taken=True).image.shape == (120, 160)


def test_what_is_no_single_image_is_refused(tmp_path):
    stack, noise = tmp_path / "stack.tif", tmp_path / "nan.npy"
    tifffile.imwrite(stack, np.stack([picture(), picture(seed=1)]))
    with pytest.raises(MovieError, match="stack of 2 images"):
        open_micrograph(stack)
    np.save(noise, np.array([[1.0, np.nan], [2.0, 3.0]]))
    with pytest.raises(TracesError, match="1 pixels are NaN"):
        open_micrograph(noise)
    np.save(noise, np.ones((30, 30)))
    with pytest.raises(TracesError, match="same value"):
        open_micrograph(noise)
    np.save(noise, np.ones((3, 30, 30)))
    with pytest.raises(MovieError, match=r"shape \(3, 30, 30\)"):
        open_micrograph(noise)
    with pytest.raises(MovieError, match="no such file"):
        open_micrograph(tmp_path / "missing.tif")
    other = tmp_path / "a.txt"
    other.write_text("1 2\n")
    with pytest.raises(MovieError, match=r"suffix '\.txt'"):
        open_micrograph(other)


def test_damaged_files_are_refused_in_one_sentence(tmp_path):
    whole = tmp_path / "a.tif"
    tifffile.imwrite(whole, picture(), compression="zlib")
    content = whole.read_bytes()
    for length in (0, 4, 9, len(content) // 2, len(content) - 40):
        cut = tmp_path / "cut.tif"
        cut.write_bytes(content[:length])
        with pytest.raises(MovieError):
            open_micrograph(cut)


def test_files_of_microscopes_name_the_extra_they_need(tmp_path, monkeypatch):
    path = tmp_path / "a.ser"
    path.write_bytes(b"\0" * 64)
    monkeypatch.setitem(__import__("sys").modules, "rsciio.tia", None)
    with pytest.raises(MovieError, match="extra em"):
        open_micrograph(path)
