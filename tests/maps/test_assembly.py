"""Maps of whole assemblies: a scene of known grains, edge cases, and the way through a study."""

import csv
import dataclasses
import json
import warnings

import numpy as np
import pytest
import tifffile

from tests.analyses.blinking.test_files import assert_equal
from tests.support.studies import small_study
from umlpsd_gpu.analyses.blinking.figures.maps import _number_like_clusters, draw_maps
from umlpsd_gpu.analyses.blinking.figures.pearson import draw_pearson
from umlpsd_gpu.analyses.blinking.map_files import DOMAINS_CSV_COLUMNS, best_agreement
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.analyses.blinking.workflow import run_study
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.kmeans.sweep import sweep
from umlpsd_gpu.maps.domains import PixelValues
from umlpsd_gpu.maps.graph import agreement
from umlpsd_gpu.maps.result import AssemblyMaps, assembly_maps, matrix_note, reference_index
from umlpsd_gpu.maps.settings import MapsSettings
from umlpsd_gpu.movie.open import open_movie
from umlpsd_gpu.plotting.style import house_style
from umlpsd_gpu.preprocessing.smooth import preprocess
from umlpsd_gpu.report.page import render_page
from umlpsd_gpu.report.write_report import draw_result
from umlpsd_gpu.simulate.assembly import AssemblyTruth, simulate_assembly, write_assembly_movie
from umlpsd_gpu.traces.traces import Traces

MAP_FILES = {
    *("cluster_map.ome.tif", "labels.ome.tif", "beta_map.ome.tif", "silhouette_map.ome.tif"),
    *("label_uncertainty_map.ome.tif", "pearson_maps.ome.tif", "pearson_domains.ome.tif"),
    "domains.csv",
}
SMALL = Settings().with_values(
    {
        "device": "cpu",
        "traces.mode": "pixels",
        "traces.threshold": 200.0,
        "preprocess.scales": ["W40"],
        "sweep.k_max": 4,
        "sweep.n_epochs": 10,
        "decision.n_surrogates": 0,
    }
)


def pixel_traces(values: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> Traces:
    traces = Traces.without_place(values, 0.1)
    return dataclasses.replace(traces, rows=rows.astype(float), cols=cols.astype(float))


def pixels_of(traces: Traces, labels: np.ndarray) -> PixelValues:
    nothing = np.full(labels.size, np.nan)
    return PixelValues(traces.rows, traces.cols, labels, nothing, nothing, nothing)


@pytest.fixture(scope="module")
def scene() -> tuple[Traces, AssemblyTruth]:
    frames, truth = simulate_assembly(seed=2)
    rows, cols = np.nonzero(truth.grains)
    return pixel_traces(frames[:, rows, cols].T.astype(np.float32), rows, cols), truth


@pytest.fixture(scope="module")
def maps(scene) -> AssemblyMaps:
    traces, truth = scene
    grains = truth.grains[truth.grains > 0].astype(int)
    return assembly_maps(traces, pixels_of(traces, grains), truth.grains.shape, 0.15)


class TestScene:
    """Grains 1 and 2 share a trend (PCC 0.83), grain 3 has traps of its own."""

    def test_means_of_grains_1_and_2_correlate_as_in_the_paper(self, maps) -> None:
        between = maps.raw.between_domains
        assert between[0, 1] == pytest.approx(0.83, abs=0.03)
        assert max(between[0, 2], between[1, 2]) < 0.3

    def test_pearson_domains_merge_the_grains_that_k_means_separates(self, scene, maps) -> None:
        traces, truth = scene
        grains = truth.grains[truth.grains > 0]
        by_k_means = sweep(preprocess(traces, frames_per_bin=40), [3], n_epochs=10).best_labels(3)
        assert truth.accuracy(traces.rows, traces.cols, by_k_means) >= 0.95
        found = maps.raw.domains_neighbours
        most = [np.bincount(found[grains == grain]).argmax() for grain in (1, 2, 3)]
        assert most[0] == most[1] != most[2]
        for grain, domain in zip((1, 2, 3), most, strict=True):
            assert np.mean(found[grains == grain] == domain) > 0.9
        assert agreement(np.where(grains == 3, 2, 1), found) > 0.85
        # nor does another threshold tell them apart; over ten seeds the best agrees by 0.59 to
        # 0.63 in nine, and by 0.85 in one
        assert np.nanmax(maps.raw.agreement_by_threshold) < 0.7

    def test_the_reference_pixel_lies_where_pearson_has_most_to_tell_apart(
        self, scene, maps
    ) -> None:
        grains = scene[1].grains[scene[1].grains > 0]
        assert grains[maps.reference_index] in (1, 2)
        other = 3 - grains[maps.reference_index]
        assert np.median(maps.raw.reference[grains == other]) > 0.6
        assert np.median(maps.raw.reference[grains == 3]) < 0.3

    def test_neighbours_correlate_least_at_borders(self, scene, maps) -> None:
        image = np.pad(scene[1].grains, 1, mode="edge").astype(int)
        inside = np.ones(scene[1].grains.shape, dtype=bool)
        for down in range(3):
            for right in range(3):
                inside &= image[down : down + 20, right : right + 20] == image[1:-1, 1:-1]
        inside = inside[scene[1].grains > 0]
        assert maps.raw.neighbours[~inside].mean() < maps.raw.neighbours[inside].mean() - 0.03

    def test_best_agreement_is_that_of_the_best_threshold(self, maps) -> None:
        agreement, threshold = best_agreement(maps.raw, maps.thresholds)
        assert agreement == maps.raw.agreement_by_threshold.max()
        at = np.flatnonzero(maps.thresholds == threshold)
        assert maps.raw.agreement_by_threshold[at] == agreement
        chosen = np.isclose(maps.thresholds, maps.threshold)
        assert maps.raw.agreement_by_threshold[chosen] == maps.raw.agreement_neighbours

    def test_same_bits_on_one_and_two_threads(self, scene) -> None:
        traces, truth = scene
        traces = traces.with_values(traces.values[:, :600], "cut")
        pixels = pixels_of(traces, truth.grains[truth.grains > 0].astype(int))
        one, two = (assembly_maps(traces, pixels, truth.grains.shape, n_threads=n) for n in (1, 2))
        assert_equal(one, two)


class TestEdges:
    def traces(self, shape: tuple[int, int], n_frames: int = 120) -> Traces:
        rng = np.random.default_rng(0)
        rows, cols = (places.ravel() for places in np.indices(shape))
        return pixel_traces(rng.normal(300, 20, (rows.size, n_frames)), rows, cols)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 17), (17, 1), (4, 5)])
    @pytest.mark.parametrize("n_clusters", [1, 2])
    def test_a_pixel_a_strip_and_a_full_image(
        self, shape: tuple[int, int], n_clusters: int
    ) -> None:
        traces = self.traces(shape)
        n = traces.n_traces
        labels = np.arange(n) % n_clusters + 1
        found = assembly_maps(traces, pixels_of(traces, labels), shape)
        assert found.raw.neighbours.shape == found.detrended.reference.shape == (n,)
        assert found.raw.reference[found.reference_index] == pytest.approx(1)
        assert np.isfinite(found.raw.neighbours).all() == (n > 1)
        assert (found.raw.domains_neighbours > 0).all()
        assert found.domains.area_px.sum() == n
        assert found.raw.distance_n_pairs.sum() == n * (n - 1) // 2

    def test_nan_and_constant_pixels_are_in_no_domain(self) -> None:
        traces = self.traces((3, 4))
        traces.values[1], traces.values[7, 3] = 12.0, np.nan
        labels = np.where(np.isin(np.arange(12), [1, 7]), 0, 1)
        found = assembly_maps(traces, pixels_of(traces, labels), (3, 4))
        for pearson in (found.raw, found.detrended):
            for values in (pearson.neighbours, pearson.reference, pearson.domain_means[0]):
                assert np.flatnonzero(np.isnan(values)).tolist() == [1, 7]
            for domains in (pearson.domains_neighbours, pearson.domains_all_pairs):
                assert np.flatnonzero(domains == 0).tolist() == [1, 7]

    def test_what_needs_the_matrix_is_left_out_where_it_does_not_fit(self) -> None:
        traces = self.traces((4, 5))
        little = MapsSettings(memory_mb=0.001)  # 15 pixels in float32
        found = assembly_maps(
            traces, pixels_of(traces, np.ones(20, dtype=int)), (4, 5), settings=little
        )
        assert not found.has_matrix
        assert found.raw.distance_px.size == 0
        assert np.isnan(found.raw.agreement_all_pairs)
        assert np.isfinite(found.raw.neighbours).all()
        (note,) = matrix_note(20, little)
        assert "allows 0.001 (up to 15 pixels)" in note
        assert matrix_note(15, little) == []

    def test_the_reference_pixel_of_the_settings(self) -> None:
        traces = self.traces((4, 5))
        chosen = MapsSettings(reference_pixel=(2, 3))
        found = assembly_maps(
            traces, pixels_of(traces, np.ones(20, dtype=int)), (4, 5), settings=chosen
        )
        assert found.reference_index == 13
        with pytest.raises(
            SettingsError, match="row 9, column 0, which is not one of the 20 pixel"
        ):
            reference_index(traces, MapsSettings(reference_pixel=(9, 0)))


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Study, AssemblyTruth]:
    path = tmp_path_factory.mktemp("movie") / "crystals.tif"
    files = write_assembly_movie(path, layout="crystals", n_rows=26, n_cols=26, seed=2)
    return run_study(open_movie(files.path), SMALL), files.truth


class TestStudy:
    def test_maps_come_back(self, place, study) -> None:
        saved = study[0]
        loaded = Study.load(saved.save(place / "a"))
        assert loaded.maps is not None
        assert "maps" in saved.timings_s
        assert_equal(loaded, saved)

    def test_files(self, place, study) -> None:
        found, _ = study
        folder = found.save(place / "a")
        summary = json.loads((folder / "summary.json").read_text("utf-8"))
        assert set(summary["files"]) >= MAP_FILES
        labels = tifffile.imread(folder / "labels.ome.tif")
        clusters = tifffile.imread(folder / "cluster_map.ome.tif")
        assert (labels.dtype, clusters.dtype) == ("uint16", "float32")
        assert labels.shape == clusters.shape == (26, 26)
        np.testing.assert_array_equal(np.isnan(clusters), labels == 0)
        np.testing.assert_array_equal(np.nan_to_num(clusters), labels)
        rows, cols = found.traces.rows.astype(int), found.traces.cols.astype(int)
        beta = tifffile.imread(folder / "beta_map.ome.tif")
        fit = found.fit
        for image, values in zip(
            beta, (fit.beta, fit.beta_stderr, fit.p_value, fit.reduced_chi2), strict=True
        ):
            np.testing.assert_array_equal(image[rows, cols], values.astype(np.float32))
            assert np.isnan(image).sum() == 26 * 26 - np.isfinite(values).sum()
        pearson = tifffile.imread(folder / "pearson_maps.ome.tif")
        assert pearson.shape == (2 * (2 + found.decision.k_opt), 26, 26)
        np.testing.assert_array_equal(
            pearson[1][rows, cols], found.maps.raw.reference.astype(np.float32)
        )
        domains = tifffile.imread(folder / "pearson_domains.ome.tif")
        np.testing.assert_array_equal(domains[0][rows, cols], found.maps.raw.domains_neighbours)

    def test_tables(self, place, study) -> None:
        found, _ = study
        folder = found.save(place / "a")
        with (folder / "domains.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert tuple(rows[0])[: len(DOMAINS_CSV_COLUMNS)] == DOMAINS_CSV_COLUMNS
        table = found.maps.domains
        assert [int(row["area_px"]) for row in rows] == table.area_px.tolist()
        assert [int(row["contact_1_px"]) for row in rows] == table.contact_px[:, 0].tolist()
        # the same pixels as in the clusters' table
        np.testing.assert_allclose(table.beta_mean, found.clusters.beta_mean)
        np.testing.assert_allclose(table.beta_stderr, found.clusters.beta_stderr)
        said = json.loads((folder / "summary.json").read_text("utf-8"))["maps"]
        assert said["raw"]["between_domains"][0][1] == found.maps.raw.between_domains[0, 1]
        row, col = said["reference_pixel"]
        at = found.maps.reference_index
        assert (row, col) == (found.traces.rows[at], found.traces.cols[at])
        assert [domain["area_px"] for domain in said["domains"]] == table.area_px.tolist()

    def test_a_reference_outside_the_mask_is_refused(self, study, tmp_path) -> None:
        files = write_assembly_movie(tmp_path / "a.tif", n_frames=900)
        settings = SMALL.with_values({"maps.reference_pixel": [30, 30]})
        with pytest.raises(SettingsError, match="reference_pixel is row 30, column 30"):
            run_study(open_movie(files.path), settings)

    def test_several_movies_have_no_maps_and_say_so(self, tmp_path) -> None:
        movies = [
            open_movie(write_assembly_movie(tmp_path / f"{i}.tif", n_frames=900, seed=i).path)
            for i in range(2)
        ]
        found = run_study(movies, SMALL)
        assert found.maps is None
        assert any("maps need a single movie" in note for note in found.notes)
        assert not MAP_FILES & {path.name for path in found.save(tmp_path / "s").iterdir()}

    def test_emitters_have_none(self, place) -> None:
        folder = small_study().save(place / "a")
        assert json.loads((folder / "summary.json").read_text("utf-8"))["maps"] is None
        assert not MAP_FILES & {path.name for path in folder.iterdir()}


class TestReport:
    def test_figures_and_table(self, study) -> None:
        found, _ = study
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figures = draw_result(found)
        assert [figure.name for figure in figures][-2:] == ["maps", "pearson"]
        html = render_page(found, figures)
        assert "<h2>Domains</h2>" in html
        assert f"raw traces {found.maps.raw.agreement_neighbours:.2f} (at best" in html
        for area in found.maps.domains.area_um2:
            assert f"{area:.2f}" in html

    def test_panels_show_the_maps(self, study) -> None:
        found, _ = study
        figure = draw_maps(found)
        images = {
            axes.get_title(): axes.images[0].get_array() for axes in figure.axes if axes.images
        }
        beta = images["Exponent β"]
        shown = np.sort(np.ma.compressed(np.ma.masked_invalid(beta)))
        np.testing.assert_array_equal(shown, np.sort(found.fit.beta[np.isfinite(found.fit.beta)]))
        bars = [text.get_text() for axes in figure.axes for text in axes.texts]
        assert len(bars) == 8
        assert set(bars) == {bars[0]}
        assert bars[0].endswith("µm")

    def test_keys_do_not_overlap(self, study) -> None:
        with house_style():
            figure = draw_maps(study[0])
            figure.draw_without_rendering()
            boxes = [axes.get_tightbbox() for axes in figure.axes]
        for i, one in enumerate(boxes):
            for other in boxes[i + 1 :]:
                wide = min(one.x1, other.x1) - max(one.x0, other.x0)
                high = min(one.y1, other.y1) - max(one.y0, other.y0)
                assert min(wide, high) < 1

    @pytest.mark.parametrize("shape", [(1, 17), (17, 1), (4, 5), (1, 1)])
    def test_awkward_studies(self, shape: tuple[int, int]) -> None:
        study = small_study(kind="pixels", n_movies=1, n_clusters=2)
        n = min(shape[0] * shape[1], study.traces.n_traces)
        kept = np.arange(n)
        rows, cols = np.divmod(kept, shape[1])
        traces = dataclasses.replace(
            study.traces.select(kept), rows=rows.astype(float), cols=cols.astype(float)
        )
        labels = study.labels[:n]
        small = dataclasses.replace(
            study,
            traces=traces,
            labels=labels,
            silhouette=np.full(n, np.nan),
            label_uncertainty=np.full(n, np.nan),
            fit=dataclasses.replace(study.fit, beta=study.fit.beta[:n]),
            maps=assembly_maps(traces, pixels_of(traces, labels), shape),
        )
        with warnings.catch_warnings(), house_style():
            warnings.simplefilter("error")
            draw_maps(small).draw_without_rendering()
            draw_pearson(small).draw_without_rendering()

    def test_domains_are_coloured_like_the_clusters_they_share_most_with(self) -> None:
        labels = np.repeat([1, 2, 3, 0], 100)
        domains = np.concatenate([np.full(100, 2), np.full(200, 1), np.full(99, 3), [4]])
        found = _number_like_clusters(domains, labels)
        assert (found[:100] == 1).all()
        assert len(set(found[100:300])) == 1
        assert found[100] in (2, 3)
        assert found[-1] == -1
