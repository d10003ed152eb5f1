"""Plots take results and axes, return the axes, and leave matplotlib as it was."""

import itertools
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import umlpsd_gpu as um
from tests.support.studies import make_study, small_study
from umlpsd_gpu.errors import SettingsError, TracesError

STUDY = make_study(n_traces=40, n_frames=240, k_max=6)
PIXELS = make_study("pixels", n_traces=40, n_frames=240, k_max=6)
SCALED = um.preprocess(STUDY.traces, frames_per_bin=8)
ROWS, COLS = np.divmod(np.arange(12), 4)
PLOTS = {
    "traces": lambda ax: um.plot_traces(STUDY.traces, labels=STUDY.labels, ax=ax),
    "clusters": lambda ax: um.plot_clusters(SCALED, STUDY.labels, ax=ax),
    "clusters in counts": lambda ax: um.plot_clusters(STUDY.traces, STUDY.labels, ax=ax),
    "metrics": lambda ax: um.plot_metrics(STUDY.sweeps, decision=STUDY.decision, ax=ax),
    "metrics of one": lambda ax: um.plot_metrics(STUDY.sweeps[0], "ssd", ax=ax),
    "spectra": lambda ax: um.plot_power_spectra(STUDY.spectrum, STUDY.labels, STUDY.fit, ax=ax),
    "all spectra": lambda ax: um.plot_power_spectra(STUDY.spectrum, ax=ax),
    "exponents": lambda ax: um.plot_exponents(STUDY.fit, STUDY.labels, ax=ax),
    "all exponents": lambda ax: um.plot_exponents(STUDY.fit, ax=ax),
    "map": lambda ax: um.plot_map(np.linspace(0, 1, 12), ROWS, COLS, (4, 5), "β", ax=ax),
    "map of clusters": lambda ax: um.plot_map(ROWS + 1, ROWS, COLS, (4, 5), ax=ax),
    "emitters": lambda ax: um.plot_study_map(STUDY, ax=ax),
    "emitters' β": lambda ax: um.plot_study_map(STUDY, "beta", movie=1, ax=ax),
    "pixels": lambda ax: um.plot_study_map(PIXELS, ax=ax),
    "pixels' silhouettes": lambda ax: um.plot_study_map(PIXELS, "silhouette", ax=ax),
}


@pytest.fixture(autouse=True)
def close_figures():
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def unshown(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("show was called"))


@pytest.mark.parametrize("name", PLOTS)
def test_own_axes(name, unshown):
    before = dict(matplotlib.rcParams)
    axes = PLOTS[name](None)
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == [axes.figure.number]
    axes.figure.savefig("/dev/null", format="png", dpi=40)


@pytest.mark.parametrize("name", PLOTS)
def test_the_callers_axes(name, unshown):
    figure, given = plt.subplots()
    before = dict(matplotlib.rcParams)
    assert PLOTS[name](given) is given
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == [figure.number]
    figure.savefig("/dev/null", format="png", dpi=40)


@pytest.mark.parametrize("name", PLOTS)
def test_no_text_is_cut_off_or_covers_another(name):
    axes = PLOTS[name](None)
    figure = axes.figure
    figure.canvas.draw()
    page = figure.bbox
    boxes = {
        text: text.get_window_extent()
        for text in [axes.title, *axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts]
        if text.get_text() and text.get_visible()
    }
    inside = {text: box for text, box in boxes.items() if box.width}
    for text, box in inside.items():
        low, high = axes.get_xlim(), axes.get_ylim()
        place = text.get_position()
        if text in axes.get_xticklabels() and not min(low) <= place[0] <= max(low):
            continue
        if text in axes.get_yticklabels() and not min(high) <= place[1] <= max(high):
            continue
        assert box.x0 >= page.x0 - 1, text
        assert box.x1 <= page.x1 + 1, text
        assert box.y0 >= page.y0 - 1, text
        assert box.y1 <= page.y1 + 1, text
    for one, other in itertools.combinations(axes.texts, 2):
        assert not boxes[one].overlaps(boxes[other]), (one, other)


class TestTraces:
    def test_the_chosen_ones_from_the_top_down(self):
        axes = um.plot_traces(STUDY.traces, which=[7, 2])
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert names == [STUDY.traces.ids[7], STUDY.traces.ids[2]]
        top, bottom = axes.lines[:2]
        assert top.get_ydata().min() > bottom.get_ydata().max()

    def test_heights_are_true(self):
        axes = um.plot_traces(STUDY.traces, which=[7, 2])
        drawn, values = axes.lines[1].get_ydata(), STUDY.traces.values[2]
        np.testing.assert_allclose(np.ptp(drawn), np.ptp(values))
        bar = axes.lines[2].get_ydata()
        assert axes.texts[0].get_text() == f"{bar[1] - bar[0]:g} counts"

    def test_a_mask(self):
        assert len(um.plot_traces(STUDY.traces, which=STUDY.labels == 3).lines) == (
            np.count_nonzero(STUDY.labels == 3) + 1
        )

    def test_a_constant_trace_is_a_line(self):
        assert um.plot_traces(STUDY.traces, which=[39]).lines

    @pytest.mark.parametrize("which", [[40], [-1], []])
    def test_traces_that_are_not_there(self, which):
        with pytest.raises(TracesError, match="which must name at least one of the 40 traces"):
            um.plot_traces(STUDY.traces, which=which)

    def test_too_few_labels(self):
        with pytest.raises(TracesError, match=r"labels must hold one number for each of the 40"):
            um.plot_traces(STUDY.traces, labels=[1, 2])


class TestClusters:
    def test_the_lines_are_the_means(self):
        axes = um.plot_clusters(SCALED, STUDY.labels, which=[2])
        mean = SCALED.values[STUDY.labels == 2].mean(axis=0)
        np.testing.assert_allclose(axes.lines[0].get_ydata(), mean)
        assert "Cluster 2" in axes.texts[0].get_text()

    def test_a_cluster_that_is_not_there(self):
        with pytest.raises(TracesError, match="no trace has a label of"):
            um.plot_clusters(SCALED, STUDY.labels, which=[9])
        with pytest.raises(TracesError, match="no trace has a label of a cluster"):
            um.plot_clusters(SCALED, np.zeros(40, int))


class TestMetrics:
    def test_the_chosen_scale_is_black_and_k_marked(self):
        axes = um.plot_metrics(STUDY.sweeps, decision=STUDY.decision)
        black = [line for line in axes.lines if line.get_color() == "black"]
        assert [line.get_label() for line in black] == ["W80"]
        chosen = STUDY.sweep_at("W80")
        expected = chosen.silhouette[1:].mean(axis=1)
        np.testing.assert_allclose(black[0].get_ydata()[1:], expected)
        assert axes.lines[-1].get_xdata()[0] == 3

    def test_infinite_values_are_left_out(self):
        infinite = STUDY.sweeps[0].calinski_harabasz.copy()
        infinite[2, 0] = np.inf
        sweep = replace(STUDY.sweeps[0], calinski_harabasz=infinite)
        axes = um.plot_metrics(sweep, "calinski_harabasz")
        assert np.isfinite(axes.lines[0].get_ydata()[2])

    def test_curves_of_any_other_scale(self):
        assert um.plot_metrics(replace(STUDY.sweeps[0], scale="log|I|")).lines

    def test_what_can_not_be_drawn(self):
        with pytest.raises(SettingsError, match="metric 'ss' is not known; choose from silhouette"):
            um.plot_metrics(STUDY.sweeps, "ss")
        with pytest.raises(SettingsError, match="at least one sweep"):
            um.plot_metrics([])


class TestSpectra:
    def test_the_means_and_their_exponents(self):
        axes = um.plot_power_spectra(STUDY.spectrum, STUDY.labels, STUDY.fit)
        np.testing.assert_allclose(axes.lines[0].get_ydata(), STUDY.clusters.psd_mean[0])
        beta = STUDY.clusters.beta_mean[0]
        names = [text.get_text() for text in axes.get_legend().get_texts()]
        assert names[0].startswith(f"Cluster 1: ⟨β⟩ = {beta:.2f} ± ")
        freqs_hz, psd = axes.lines[1].get_data()
        slope = np.polyfit(np.log(freqs_hz), np.log(psd), 1)[0]
        assert slope == pytest.approx(-beta)

    def test_what_does_not_go_together(self):
        with pytest.raises(TracesError, match="the fit is of 23 traces, the spectra are of 40"):
            um.plot_power_spectra(STUDY.spectrum, fit=small_study().fit)
        with pytest.raises(TracesError, match="one number for each"):
            um.plot_power_spectra(STUDY.spectrum, labels=[1])
        with pytest.raises(TracesError, match="all values are NaN"):
            um.plot_exponents(replace(STUDY.fit, beta=np.full(40, np.nan)))

    def test_a_cluster_without_exponents(self):
        beta = np.where(STUDY.labels == 2, np.nan, STUDY.fit.beta)
        axes = um.plot_power_spectra(STUDY.spectrum, STUDY.labels, replace(STUDY.fit, beta=beta))
        names = [text.get_text() for text in axes.get_legend().get_texts()]
        assert names[1] == "Cluster 2: no exponent"

    def test_spectra_on_a_device(self, on_cpu):
        spectrum = replace(STUDY.spectrum, psd=on_cpu.asarray(STUDY.spectrum.psd))
        assert um.plot_power_spectra(spectrum, STUDY.labels).lines


class TestMaps:
    def test_values_are_where_they_belong(self):
        axes = um.plot_map(np.arange(12.0), ROWS, COLS, (4, 5))
        image = axes.get_images()[0].get_array()
        assert image.shape == (4, 5)
        assert image[2, 3] == 11
        assert np.ma.getmaskarray(image)[3, 0]

    def test_emitters_are_circled_and_flagged_ones_grey(self):
        axes = um.plot_study_map(STUDY, "silhouette")
        (circles,) = axes.collections
        n_here = STUDY.traces.source.count(STUDY.movies[0].name)
        assert len(circles.get_offsets()) == n_here
        assert axes.get_title() == "film_1.tif"

    def test_what_has_no_place(self):
        with pytest.raises(TracesError, match="imported traces"):
            um.plot_study_map(make_study("imported", n_traces=20, n_frames=200, k_max=3))
        with pytest.raises(SettingsError, match="quantity 'betas' is not known"):
            um.plot_study_map(STUDY, "betas")
        with pytest.raises(SettingsError, match="movie 2 was asked for"):
            um.plot_study_map(STUDY, movie=2)
        with pytest.raises(TracesError, match="share a pixel"):
            um.plot_map([1.0, 2.0], [0, 0], [0, 0], (2, 2))
