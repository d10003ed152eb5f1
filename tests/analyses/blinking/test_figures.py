"""The figures: there, not blank, the same bytes again, and robust against awkward studies."""

import dataclasses
import io
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.image import imread

from tests.support.studies import make_study
from umlpsd_gpu.analyses.blinking.figures import spectra
from umlpsd_gpu.analyses.blinking.figures.images import _shorten, draw_images
from umlpsd_gpu.analyses.blinking.figures.profiles import LIMITS, PANELS, draw_profiles
from umlpsd_gpu.analyses.blinking.figures.spectra import draw_betas, draw_psd
from umlpsd_gpu.analyses.blinking.figures.trajectories import _sort_best_first, draw_trajectories
from umlpsd_gpu.analyses.blinking.plots.spectra import mean_power_law
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.plotting import figures as figures_module
from umlpsd_gpu.plotting.style import DrawnFigure, cluster_colour, darkened, house_style, render
from umlpsd_gpu.report.write_report import draw_result

NAMES = ["metric_profiles", "trajectories", "power_spectra", "exponents", "images"]


def small_study(**changes: object) -> Study:
    return make_study(**{"n_traces": 23, "n_frames": 320, "k_max": 5} | changes)


@pytest.fixture(scope="module")
def study() -> Study:
    return small_study()


@pytest.fixture(scope="module")
def figures(study: Study) -> tuple[DrawnFigure, ...]:
    return draw_result(study)


class TestFiles:
    def test_every_figure_is_there(self, figures: tuple[DrawnFigure, ...]) -> None:
        assert [figure.name for figure in figures] == NAMES
        assert all(figure.title and figure.caption.endswith(".") for figure in figures)

    def test_png_holds_a_picture(self, figures: tuple[DrawnFigure, ...]) -> None:
        for figure in figures:
            pixels = imread(io.BytesIO(figure.png))
            assert min(pixels.shape[:2]) > 500
            assert pixels[..., :3].std() > 0.05

    def test_svg_is_whole_dateless_and_small(self, figures: tuple[DrawnFigure, ...]) -> None:
        for figure in figures:
            assert ElementTree.fromstring(figure.svg).tag.endswith("svg")
            assert b"<dc:date>" not in figure.svg
            assert len(figure.svg) < 1e6

    def test_same_study_same_bytes(self, figures: tuple[DrawnFigure, ...]) -> None:
        assert draw_result(small_study()) == figures

    @pytest.mark.parametrize("draw", [draw_profiles, draw_images])
    def test_a_figure_is_drawn_once_a_file(
        self, study: Study, draw: Callable[[Study], Figure], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        n_drawn = []
        drawn = Figure.draw
        monkeypatch.setattr(Figure, "draw", lambda *args: (n_drawn.append(1), drawn(*args)))
        with house_style():
            render(draw(study))
        assert len(n_drawn) == 2

    def test_progress_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = []
        study = small_study(kind="imported", n_clusters=1)
        monkeypatch.setattr(figures_module, "render", lambda figure: (b"", b""))
        draw_result(study, progress=lambda *step: told.append(step))
        assert told == [("figures", done, 4) for done in range(5)]

    def test_global_style_is_left_alone(self, study: Study) -> None:
        before = dict(matplotlib.rcParams)
        with house_style():
            draw_psd(study)
        assert dict(matplotlib.rcParams) == before

    def test_pyplot_is_never_imported(self) -> None:
        script = (
            "import sys; from tests.support.studies import make_study; "
            "from umlpsd_gpu.analyses.blinking.figures import plans, spectra; "
            "from umlpsd_gpu.plotting import figures, style; "
            "style.render(spectra.draw_psd(make_study(n_traces=9, n_frames=160))); "
            "sys.exit('matplotlib.pyplot' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=Path(__file__).parents[3], check=False
        )
        assert done.returncode == 0


class TestAwkwardStudies:
    @pytest.mark.parametrize(
        "changes",
        [
            {"n_clusters": 1},
            {"n_clusters": 9, "n_traces": 40, "n_movies": 7},
            {"n_traces": 3, "n_flagged": 0, "n_clusters": 2, "n_movies": 1},
            {"kind": "pixels", "n_clusters": 2},
            {"kind": "imported"},
        ],
        ids=["one cluster", "nine clusters, seven movies", "three traces", "pixels", "imported"],
    )
    def test_draws_without_a_warning(self, changes: dict) -> None:
        study = small_study(**changes)
        with warnings.catch_warnings(), house_style():
            warnings.simplefilter("error")
            for draw in (draw_profiles, draw_trajectories, draw_psd, draw_betas):
                draw(study).draw_without_rendering()
            if study.movies:
                draw_images(study).draw_without_rendering()

    def test_cluster_without_an_exponent(self, study: Study) -> None:
        beta = np.where(study.labels == 2, np.nan, study.fit.beta)
        beta_mean = np.array([1.0, np.nan, 1.0])
        awkward = dataclasses.replace(
            study,
            fit=dataclasses.replace(study.fit, beta=beta),
            clusters=dataclasses.replace(study.clusters, beta_mean=beta_mean),
        )
        figure = draw_psd(awkward)
        texts = [text.get_text() for text in figure.legends[0].get_texts()]
        assert "Cluster 2: no exponent" in texts
        draw_betas(awkward).draw_without_rendering()

    def test_dollar_signs_in_a_file_name(self, study: Study) -> None:
        movie = dataclasses.replace(study.movies[0], name=r"$\frac{1$ & <b>.tif")
        figure = draw_images(dataclasses.replace(study, movies=(movie,)))
        figure.draw_without_rendering()
        assert figure.axes[0].get_title() == r"$\frac{1$ & <b>.tif"

    @pytest.mark.parametrize("kind", ["emitters", "pixels"])
    @pytest.mark.parametrize("n_clusters", [2, 8, 15])
    def test_legend_of_the_images_lies_inside(self, kind: str, n_clusters: int) -> None:
        study = small_study(kind=kind, n_traces=70, n_clusters=n_clusters, n_movies=1)
        with house_style():
            figure = draw_images(study)
            figure.draw_without_rendering()
        box, page = figure.legends[0].get_window_extent(), figure.bbox
        assert len(figure.legends[0].get_texts()) == n_clusters + 1
        assert page.x0 <= box.x0 < box.x1 <= page.x1
        assert page.y0 <= box.y0 < box.y1 < figure.axes[0].get_window_extent().y0

    def test_epochs_of_infinite_ch_are_left_out(self, study: Study) -> None:
        chosen = study.sweep_at(study.decision.scale)
        ch = chosen.calinski_harabasz.copy()
        ch[2, 0], ch[3] = np.inf, np.inf
        sweep = dataclasses.replace(chosen, calinski_harabasz=ch)
        axes = draw_profiles(dataclasses.replace(study, sweeps=(sweep,))).axes[1]
        drawn = axes.lines[0].get_ydata()
        assert drawn[2] == pytest.approx(ch[2, 1:].mean())
        assert np.isnan(drawn[3])
        assert drawn[4] == pytest.approx(ch[4].mean())

    def test_bands_stay_within_what_can_be(self, study: Study) -> None:
        chosen = study.sweep_at(study.decision.scale)
        shape = chosen.silhouette.shape
        first = np.arange(shape[1]) == 0
        extremes = {
            "silhouette": np.where(first, -1.0, 1.0),
            "misclassified_percent": np.where(first, 100.0, 0.0),
        }
        changes = {name: np.broadcast_to(values, shape) for name, values in extremes.items()}
        sweep = dataclasses.replace(chosen, **changes)
        panels = draw_profiles(dataclasses.replace(study, sweeps=(sweep,))).axes
        for name, reached in (("silhouette", 1), ("misclassified_percent", 0)):
            band = panels[list(PANELS).index(name)].collections[0].get_paths()[0].vertices[:, 1]
            low, high = LIMITS[name]
            assert low <= band.min() < band.max() <= high
            assert reached in (band.min(), band.max())

    def test_long_names_are_shortened_in_the_middle(self) -> None:
        name = "a" * 60 + ".ome.tif"
        assert len(_shorten(name)) == 44
        assert _shorten(name).endswith(".ome.tif")


class TestContent:
    def test_chosen_scale_is_bold_with_the_epoch_means(self, study: Study) -> None:
        axes = draw_profiles(study).axes[0]
        bold = max(axes.lines, key=lambda line: line.get_linewidth())
        chosen = study.sweep_at(study.decision.scale)
        np.testing.assert_allclose(bold.get_ydata(), chosen.silhouette.mean(axis=1))
        assert len(axes.lines) == len(study.sweeps) + 1

    def test_ssd_starts_at_one(self, study: Study) -> None:
        axes = draw_profiles(study).axes[2]
        curves = [line.get_ydata() for line in axes.lines if len(line.get_ydata()) > 2]
        assert [curve[0] for curve in curves] == [1.0] * len(study.sweeps)

    def test_representatives_have_the_largest_silhouettes(self, study: Study) -> None:
        best = _sort_best_first(study, 1)
        assert set(study.labels[best]) == {1}
        assert study.silhouette[best[0]] == study.silhouette[study.labels == 1].max()
        assert (np.diff(study.silhouette[best]) <= 0).all()

    def test_representatives_of_a_single_cluster_are_nearest_to_its_mean(self) -> None:
        study = small_study(n_clusters=1)
        distance = np.square(study.scaled - study.scaled.mean(axis=0)).sum(axis=1)
        assert _sort_best_first(study, 1)[0] == np.flatnonzero(study.clustered)[distance.argmin()]

    def test_power_law_of_an_exact_spectrum_lies_on_it(self, study: Study) -> None:
        freqs_hz = study.spectrum.freqs_hz
        members = study.labels == 1
        beta = study.fit.beta[members & np.isfinite(study.fit.beta)].mean()
        fitted = mean_power_law(freqs_hz, 7 * freqs_hz**-beta, study.fit, members)
        assert fitted is not None
        np.testing.assert_allclose(fitted[1], 7 * fitted[0] ** -beta)
        assert (fitted[0][0], fitted[0][-1]) == pytest.approx(study.fit.f_range_hz)

    def test_fits_have_a_shade_of_their_cluster(self, study: Study) -> None:
        figure = draw_psd(study)
        fits = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
        assert [line.get_color() for line in fits] == [
            darkened(cluster_colour(c), 0.8) for c in study.clusters.clusters.tolist()
        ]
        texts = [text.get_text() for text in figure.legends[0].get_texts()]
        assert texts.count("Mean power law") == 1

    @pytest.mark.parametrize("most", [2000, 5])
    def test_outliers_are_ringed(
        self, study: Study, most: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(spectra, "MAX_POINTS", most)
        strip = draw_betas(study).axes[0]
        points, rings = strip.collections[::2], strip.collections[1::2]
        for cluster, dots, circles in zip(study.clusters.clusters, points, rings, strict=True):
            shown, ringed = (set(map(tuple, np.asarray(c.get_offsets()))) for c in (dots, circles))
            flagged = study.fit.beta[study.outliers.is_outlier & (study.labels == cluster)]
            assert ringed <= shown
            assert {beta for _, beta in ringed} == {b for _, b in shown} & set(flagged)
            assert len(shown) <= most

    def test_emitters_are_circled_in_their_clusters_colour(self, study: Study) -> None:
        figure = draw_images(study)
        for axes, movie in zip(figure.axes, study.movies, strict=True):
            (circles,) = (c for c in axes.collections if isinstance(c, EllipseCollection))
            here = np.array([source == movie.name for source in study.traces.source])
            np.testing.assert_array_equal(
                circles.get_offsets(),
                np.column_stack([study.traces.cols[here], study.traces.rows[here]]),
            )
            for label, colour in zip(study.labels[here], circles.get_edgecolor(), strict=True):
                if label:
                    assert tuple(colour[:3]) == pytest.approx(cluster_colour(int(label)))

    def test_scale_bar_only_where_the_pixel_size_is_known(self, study: Study) -> None:
        known, unknown = draw_images(study).axes[:2]
        assert [text.get_text() for text in known.texts] == ["2 µm"]
        assert not unknown.texts

    def test_pixels_are_coloured_in_place(self) -> None:
        study = small_study(kind="pixels", n_movies=1)
        overlay = draw_images(study).axes[0].images[1].get_array()
        rows, cols = study.traces.rows.astype(int), study.traces.cols.astype(int)
        assert (overlay[rows, cols, 3] > 0).all()
        assert np.count_nonzero(overlay[..., 3]) == study.traces.n_traces
        first = int(study.labels[0])
        np.testing.assert_allclose(overlay[rows[0], cols[0], :3], cluster_colour(first))

    def test_sixteen_clusters_have_sixteen_colours(self) -> None:
        assert len({cluster_colour(cluster) for cluster in range(1, 17)}) == 16

    def test_no_cluster_is_as_grey_as_what_is_not_clustered(self) -> None:
        colours = np.array([cluster_colour(cluster) for cluster in range(1, 17)])
        assert np.ptp(colours, axis=1).min() > 0.15
