"""Layers of studies, without napari."""

import numpy as np
import pytest

from tests.support.studies import small_study
from umlpsd_gpu.napari_plugin.reader import get_reader, read_studies


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    place = tmp_path_factory.mktemp("studies")
    return {
        kind: (study := small_study(kind=kind), study.save(place / kind))
        for kind in ("emitters", "pixels", "imported")
    }


def test_only_study_folders_are_read(studies, tmp_path):
    folder = str(studies["emitters"][1])
    assert get_reader(folder) is read_studies
    assert get_reader([folder, folder]) is read_studies
    assert get_reader(str(tmp_path)) is None
    assert get_reader([folder, str(tmp_path)]) is None
    assert get_reader([]) is None


def test_emitters_are_points_with_features(studies):
    study, folder = studies["emitters"]
    layers = read_studies(str(folder))
    assert [kind for _, _, kind in layers] == ["image", "points"] * 2
    assert [about["visible"] for _, about, _ in layers] == [True, True, False, False]
    (image, about, _), (points, dots, _) = layers[:2]
    np.testing.assert_allclose(image, study.movies[0].mean_image, rtol=1e-6)
    assert about["scale"] == (0.1, 0.1)
    assert about["units"] == ("micrometer", "micrometer")
    inside = np.array(study.traces.source) == "film_1.tif"
    np.testing.assert_array_equal(points[:, 1], study.traces.cols[inside])
    np.testing.assert_array_equal(dots["features"]["beta"], study.fit.beta[inside])
    assert list(dots["features"]["id"]) == [
        name for name, here in zip(study.traces.ids, inside, strict=True) if here
    ]
    assert layers[2][1]["units"] == ("pixel", "pixel")  # the second movie has no pixel size


def test_pixels_are_labels_below_images_of_quantities(studies):
    study, folder = studies["pixels"]
    layers = read_studies(str(folder))
    names = [about["name"] for _, about, _ in layers]
    assert names[0] == "mean_image (counts) [film_1.tif]"
    assert "beta [film_1.tif]" in names
    top = next(n for n, name in enumerate(names) if "film_2" in name) - 1
    labels, about, kind = layers[top]
    assert (names[top], kind, about["visible"]) == ("cluster [film_1.tif]", "labels", True)
    inside = np.array(study.traces.source) == "film_1.tif"
    at = study.traces.rows[inside].astype(int), study.traces.cols[inside].astype(int)
    np.testing.assert_array_equal(labels[at], study.labels[inside])
    beta = layers[names.index("beta [film_1.tif]")][0]
    np.testing.assert_array_equal(beta[at], study.fit.beta[inside].astype(np.float32))


def test_imported_traces_have_no_place_and_no_layer(studies):
    assert read_studies(str(studies["imported"][1])) == []
