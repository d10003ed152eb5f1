"""Settings as keyword arguments: they override, unknown ones are refused, help() shows them."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.support.movies import array_movie, background_movie
from umlpsd_gpu import Settings, extract_emitters, extract_pixels, open_movie, read_traces
from umlpsd_gpu.errors import SettingsError
from umlpsd_gpu.keywords import override, settings_from_keywords, show_settings
from umlpsd_gpu.movie.settings import MovieSettings
from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.traces.settings import TracesSettings


@pytest.fixture(scope="module")
def two_channels(tmp_path_factory):
    path = tmp_path_factory.mktemp("movie") / "m.tif"
    frames = np.arange(5 * 2 * 4 * 3, dtype=np.uint16).reshape(5, 2, 4, 3)
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TCYX", "finterval": 0.5})
    return path


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    recipe = {"n_frames": 150, "n_rows": 64, "n_cols": 64, "n_emitters": 6}
    return open_movie(simulate_movie(folder / "m.tif", **recipe).path)


class TestOpenMovie:
    def test_keywords_do_what_the_error_promises(self, two_channels):
        movie = open_movie(two_channels, dt_s=0.03, channel=1, pixel_size_um=0.1, memory_mb=1)
        assert (movie.dt_s, movie.dt_origin, movie.pixel_size_um) == (0.03, "user", 0.1)
        assert movie.read_frames(0, 1)[0, 0, 0] == 12

    def test_keywords_beat_settings_and_leave_the_others(self, two_channels):
        movie = open_movie(two_channels, MovieSettings(channel=0, dt_s=0.1), channel=1)
        assert movie.dt_s == 0.1
        assert movie.read_frames(0, 1)[0, 0, 0] == 12

    def test_an_unknown_keyword_names_the_nearest(self, two_channels):
        expected = r"open_movie\(\) has no argument 'chanel'; did you mean 'channel'\?"
        with pytest.raises(SettingsError, match=expected):
            open_movie(two_channels, chanel=1)

    def test_a_value_that_is_not_allowed(self, two_channels):
        with pytest.raises(SettingsError, match=r"movie\.dt_s must be greater than 0\.0, got -1"):
            open_movie(two_channels, channel=0, dt_s=-1)


class TestExtraction:
    def test_keywords_are_the_settings(self, movie):
        chosen = TracesSettings(photometry="gaussian", psf_sigma_px=1.4, detection_snr=7)
        by_settings = extract_emitters(movie, chosen)
        by_keywords = extract_emitters(
            movie, photometry="gaussian", psf_sigma_px=1.4, detection_snr=7
        )
        np.testing.assert_array_equal(by_settings.values, by_keywords.values)
        assert not np.array_equal(by_settings.values, extract_emitters(movie).values)

    def test_settings_of_pixels_are_overridden(self, movie):
        high = TracesSettings(threshold=1e6)
        found = extract_pixels(movie, threshold=100.0, settings=high)
        np.testing.assert_array_equal(found.values, extract_pixels(movie, 100.0).values)

    @pytest.mark.parametrize(
        ("verb", "wrong", "nearest"),
        [
            (extract_emitters, "psf_sigma", "psf_sigma_px"),
            (extract_emitters, "snr", "detection_snr"),
            (extract_pixels, "treshold", "threshold"),
        ],
    )
    def test_unknown_keywords(self, verb, wrong, nearest):
        with pytest.raises(SettingsError, match=f"has no argument '{wrong}'.*'{nearest}'"):
            verb(array_movie(background_movie(2)), **{wrong: 1})

    def test_a_name_like_no_other_lists_all(self, tmp_path):
        with pytest.raises(SettingsError, match="has no argument 'x'; it takes path, dt_s"):
            read_traces(tmp_path / "a.csv", x=1)


class TestSettingsFromKeywords:
    def change(self, **values):
        return settings_from_keywords(Settings(), values, "run_study")

    def test_plain_qualified_and_nested_names(self):
        plain = self.change(seed=3, scales=["W20"], device="cpu", k_max=4)
        qualified = self.change(
            sweep__seed=3, preprocess__scales=["W20"], device="cpu", sweep={"k_max": 4}
        )
        dotted = {"sweep.seed": 3, "preprocess.scales": ["W20"], "device": "cpu", "sweep.k_max": 4}
        assert plain == qualified == Settings().with_values(dotted)

    def test_a_section_as_an_object(self):
        assert self.change(traces=TracesSettings(mode="pixels")).traces.mode == "pixels"

    def test_paths_and_none(self):
        assert self.change(roi=Path("a.roi"), seed=None).traces.roi == "a.roi"
        settings = Settings()
        assert settings_from_keywords(settings, {}, "run_study") is settings

    def test_a_name_of_several_sections(self):
        expected = "can't tell which setting 'memory_mb' is: write .*movie__memory_mb=…"
        with pytest.raises(SettingsError, match=expected):
            self.change(memory_mb=1)

    @pytest.mark.parametrize(
        ("wrong", "nearest"),
        [("epochs", "n_epochs"), ("sede", "seed"), ("sweep__kmax", "sweep__k_max")],
    )
    def test_unknown_names(self, wrong, nearest):
        with pytest.raises(SettingsError, match=rf"run_study\(\) has no .*'{nearest}'\?"):
            self.change(**{wrong: 1})

    def test_a_name_like_no_other(self):
        with pytest.raises(SettingsError, match=r"no argument 'q'; see help\(run_study\)"):
            self.change(q=1)

    def test_wrong_values_are_named(self):
        with pytest.raises(SettingsError, match=r"sweep\.k_max must be 2 or above, got 1"):
            self.change(k_max=1)


class TestHelp:
    def test_explicit_keywords_are_in_the_signature(self):
        for verb in (open_movie, extract_emitters, extract_pixels, read_traces):
            kinds = [p.kind for p in inspect.signature(verb).parameters.values()]
            assert inspect.Parameter.VAR_KEYWORD not in kinds
        assert "channel" in inspect.signature(open_movie).parameters
        assert open_movie.__doc__

    def test_every_field_of_a_section_is_a_keyword(self):
        assert set(MovieSettings.model_fields) <= set(inspect.signature(open_movie).parameters)
        of_pixels = {"mode", "threshold", "roi", "memory_mb"}
        of_tables = {"unequal_lengths", "array", "sheet", "layout", "decimal", "encoding"}
        parameters = set(inspect.signature(extract_emitters).parameters)
        assert set(TracesSettings.model_fields) - of_pixels - of_tables <= parameters

    def test_settings_of_an_analysis_are_shown(self):
        @show_settings(Settings)
        def analyse(source: str, settings: Settings | None = None, **values: object) -> None:
            """Analyse."""

        parameters = inspect.signature(analyse).parameters
        assert list(parameters)[:2] == ["source", "settings"]
        assert {"seed", "device", "traces__memory_mb", "dt_s"} <= set(parameters)
        assert "memory_mb" not in parameters
        assert parameters["k_max"].annotation == int | None
        assert "sweep__seed" not in parameters


def test_settings_are_kept_where_no_keyword_is_given():
    settings = MovieSettings()
    assert override(settings, {"dt_s": None}) is settings
