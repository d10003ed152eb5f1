"""Defaults of the protocol: what an analysis has without writing it."""

from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from umlpsd_gpu.analyses.protocol import Analysis, Description, Prediction, StoredResult
from umlpsd_gpu.errors import SettingsError, UmlpsdError
from umlpsd_gpu.plotting.page_parts import Page
from umlpsd_gpu.settings import AnalysisSettings
from umlpsd_gpu.storage.field import FieldTable

WHOLE = Description("whole", "", "3 lines")
DAMAGED = Description("truncated", "it ends early", "1 line")
PARTS = [StoredResult("a", Path("a"))]


class Lines(Analysis[list[str], SimpleNamespace]):
    """The least that an analysis must have: text files whose lines are counted."""

    name = "lines"
    title = "Lines"
    suffixes = (".txt",)
    settings: ClassVar[type[AnalysisSettings]] = AnalysisSettings
    fields = FieldTable((), lambda result: {}, lambda values, groups: {})

    def open(self, names, settings):
        texts = [Path(name).read_text() for name in names]
        if not all(texts):
            raise UmlpsdError("the file is empty; give another")
        return [line for text in texts for line in text.splitlines()]

    def files_of(self, source):
        return ()

    def describe(self, source):
        return WHOLE

    def predict(self, source, with_report=True):
        return Prediction(1.0, 1.0)

    def run(self, source, settings, context):
        return SimpleNamespace(n=len(source))

    def result_type(self):
        return SimpleNamespace

    def summary(self, result):
        return {"k_opt": result.n}

    def page(self, result):
        return Page("Lines report", f"{result.n} lines", "They were counted")


@pytest.fixture
def lines():
    return Lines()


@pytest.mark.parametrize("method", sorted(Analysis.__abstractmethods__))
def test_an_analysis_without_one_of_these_cannot_be_made(method):
    incomplete = type("Incomplete", (Lines,), {method: getattr(Analysis, method)})
    with pytest.raises(TypeError, match=method):
        incomplete()


def test_find_takes_files_with_the_suffixes(lines, tmp_path):
    (tmp_path / "a.txt").write_text("1\n2\n")
    (tmp_path / "b.TXT").write_text("")
    (tmp_path / "c.csv").write_text("1\n")
    counts = []
    findings = lines.find(str(tmp_path), AnalysisSettings(), lambda folder: False, counts.append)
    assert [(found.path.name, found.source, found.reason) for found in findings.found] == [
        ("a.txt", ["1", "2"], ""),
        ("b.TXT", None, "the file is empty; give another"),
    ]
    assert counts == [1, 2]
    assert lines.watched_suffixes == (".txt",)


def test_only_whole_inputs_are_accepted(lines):
    settings = AnalysisSettings()
    assert lines.accepts(WHOLE, settings)
    assert not lines.accepts(DAMAGED, settings)
    assert lines.accept_damage(settings) is settings
    assert lines.list_warnings([{}]) == []
    assert not lines.is_part("any reason")


def test_words_and_lists_have_defaults(lines):
    assert (lines.inputs, lines.items) == ("files", "curves")
    assert lines.options == lines.preload == ()
    assert lines.prediction_holds_for == "default settings"
    assert lines.batch_caption == ""


def test_the_device_is_chosen_as_for_a_clustering(lines):
    assert lines.device_of(AnalysisSettings(device="cpu")) == "cpu"
    with_sklearn = AnalysisSettings().with_values({"sweep.engine": "sklearn"})
    assert lines.device_of(with_sklearn) == "cpu"


def test_the_terminal_shows_the_headline_of_the_page(lines):
    assert list(lines.answer(SimpleNamespace(n=3))) == ["3 lines. They were counted"]


def test_tables_and_figures_are_optional(lines, tmp_path):
    result = SimpleNamespace(n=3)
    lines.write_tables(result, tmp_path)
    lines.write_pooled_tables(result, tmp_path)
    assert not list(tmp_path.iterdir())
    assert lines.figures(result) == lines.batch_figures([]) == ()
    assert lines.explore(result) is None


def test_the_table_of_a_batch_has_k_and_its_confidence(lines):
    facts, summary = {"size": 3}, {"k_opt": 2, "confidence": 0.9}
    columns = lines.batch_columns()
    assert [(c.name, c.heading, c.value(facts, summary)) for c in columns] == [
        ("k_opt", "K", 2),
        ("confidence", "Confidence", 0.9),
    ]
    assert [column.value(facts, {}) for column in columns] == [None, None]


@pytest.mark.parametrize("method", ["open_pooled", "pooled_size"])
def test_results_cannot_be_pooled(lines, method):
    with pytest.raises(SettingsError, match="results of the analysis 'lines' can't be pooled; "):
        getattr(lines, method)(PARTS, AnalysisSettings())
