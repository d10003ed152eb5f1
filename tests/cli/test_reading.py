"""The commands that read results: show, view, figures, compare."""

import json
import re
import webbrowser

import pytest
from typer.testing import CliRunner

from tests.support.studies import make_study, with_few_scales
from umlpsd_gpu.cli.main import app
from umlpsd_gpu.errors import OutputError, SettingsError, UmlpsdError

HELP = ("show", "view", "figures", "compare")


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "120"})


@pytest.fixture(scope="module")
def study():
    return with_few_scales(make_study(n_traces=30, n_frames=400, k_max=4))


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    return study.save(tmp_path_factory.mktemp("reading") / "study")


class TestShow:
    def test_prints_decision_clusters_and_what_to_check(self, folder, study):
        done = call("show", folder)
        assert done.exit_code == 0
        assert "K = 3 at W80, confidence 0.86" in done.output
        assert f"{study.clusters.beta_mean[0]:.3f} ± {study.clusters.beta_stderr[0]:.3f}" in (
            done.output
        )
        assert "Check next: Get complete copies of the damaged film_2.tif" in done.output

    def test_prints_a_trace_with_its_curves(self, folder, study):
        done = call("show", folder, "--trace", 17)
        assert f"Trace 17: {study.traces.ids[17]}" in done.output
        assert f"{study.fit.beta[17]:.3f} ± {study.fit.beta_stderr[17]:.3f}" in done.output
        assert re.search(r"[\u2801-\u28ff]", done.output)
        assert "Raw trace: Intensity (counts) against Time (s)" in done.output
        assert call("show", folder, "--item", study.traces.ids[17]).output == done.output

    def test_says_which_traces_there_are(self, folder):
        assert "a number from 0 to 29" in str(call("show", folder, "--trace", 30).exception)

    def test_prints_methods_and_bibtex(self, folder):
        assert "[1] The umlpsd_gpu founders" in call("show", folder, "--methods").output
        assert call("show", folder, "--bibtex").output.startswith("@software{umlpsd_gpu,")

    def test_writes_a_figure_of_a_trace_once(self, folder, tmp_path):
        file = tmp_path / "trace.svg"
        assert call("show", folder, "--trace", 3, "--out", file).exit_code == 0
        first = file.read_bytes()
        assert b"<svg" in first
        refused = call("show", folder, "--trace", 3, "--out", file).exception
        assert isinstance(refused, OutputError)
        assert "exists; give another name, or add --overwrite" in str(refused)
        assert call("show", folder, "--trace", 4, "--out", file, "--overwrite").exit_code == 0
        assert file.read_bytes() != first
        assert [path.name for path in tmp_path.iterdir()] == ["trace.svg"]

    def test_a_figure_needs_an_item_and_a_vector_format(self, folder, tmp_path):
        assert "say which with --trace" in str(call("show", folder, "--out", "a.pdf").exception)
        wrong = call("show", folder, "--trace", 3, "--out", tmp_path / "a.png").exception
        assert "must end with .pdf or .svg" in str(wrong)


class TestView:
    def test_opens_the_page_and_prints_its_path(self, tmp_path, monkeypatch):
        opened = []
        monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
        page = tmp_path / "report.html"
        page.write_text("<!DOCTYPE html>")
        assert call("view", tmp_path).output.strip() == str(page)
        assert call("view", page).output.strip() == str(page)
        assert opened == [page.as_uri()] * 2

    def test_only_prints_and_finds_the_page_of_a_batch(self, tmp_path, monkeypatch):
        monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("opened"))
        page = tmp_path / "report" / "report.html"
        page.parent.mkdir()
        page.write_text("<!DOCTYPE html>")
        assert call("view", tmp_path, "--print").output.strip() == str(page)

    def test_without_a_browser_the_path_is_enough(self, tmp_path, monkeypatch):
        monkeypatch.setattr(webbrowser, "open", lambda url: False)
        (tmp_path / "report.html").write_text("")
        done = call("view", tmp_path)
        assert done.exit_code == 0
        assert "No browser was found" in done.stderr

    def test_says_what_to_do_without_a_page(self, folder, tmp_path):
        for place, said in [
            (folder, "was saved without a report; run it again with 'umlpsd run'"),
            (tmp_path, "holds no report; give a study folder"),
        ]:
            error = call("view", place).exception
            assert isinstance(error, UmlpsdError)
            assert said in str(error)
        (tmp_path / "manifest.json").write_text("{}")
        assert "write one with 'umlpsd batch report" in str(call("view", tmp_path).exception)


class TestFigures:
    def test_are_written_as_vectors(self, folder, tmp_path):
        done = call("figures", folder, "--out", tmp_path / "figures", "--formats", "svg")
        assert done.exit_code == 0
        names = [line.rpartition("/")[2] for line in done.output.split()]
        assert names == ["figure_1.svg", "figure_2.svg", "figure_3.svg", "figures.json"]

    def test_refuse_what_they_do_not_know(self, folder, tmp_path):
        done = call("figures", folder, "--out", tmp_path / "a", "--journal", "science")
        assert isinstance(done.exception, SettingsError)
        done = call("figures", folder, "--out", tmp_path / "a", "--formats", ",")
        assert "no format was given" in str(done.exception)


class TestCompare:
    @pytest.fixture(scope="class")
    def other(self, study, tmp_path_factory):
        from dataclasses import replace

        settings = study.settings.with_values({"sweep.seed": 5})
        return replace(study, settings=settings).save(tmp_path_factory.mktemp("b") / "other")

    def test_prints_what_changed(self, folder, other):
        output = call("compare", folder, other).output
        assert "K is 3 in both. Labels of 28 common traces agree" in output
        assert re.search(r"sweep.seed\s+0\s+5", output)
        assert "Versions: the same." in output
        assert re.search(r"⟨β⟩ of cluster 1 .* 0 ", output)

    def test_json_and_page(self, folder, other, tmp_path):
        page = tmp_path / "compared.html"
        found = json.loads(call("compare", folder, other, "--json", "--out", page).output)
        assert found["settings"] == [{"name": "sweep.seed", "first": 0, "second": 5}]
        assert found["agreement"]["adjusted_rand"] == 1
        assert not found["identical"]
        assert str(other) in page.read_text("utf-8")
        assert isinstance(call("compare", folder, other, "--out", page).exception, OutputError)

    def test_the_same_study_twice(self, folder):
        assert "equal digests" in call("compare", folder, folder).output


@pytest.mark.parametrize("command", HELP)
def test_help(command):
    done = call(command, "--help")
    assert done.exit_code == 0
    assert "Usage" in done.output
