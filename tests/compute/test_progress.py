"""Progress is silent in scripts, bars on a terminal, and HTML bars in a notebook."""

import sys
from types import SimpleNamespace

import pytest

from umlpsd_gpu.compute.context import report_nothing
from umlpsd_gpu.compute.progress import (
    NotebookProgress,
    choose_progress,
    in_notebook,
    notebook_or_terminal_progress,
)


@pytest.fixture
def notebook(monkeypatch):
    """A stand-in for IPython in a kernel; yields what it was asked to display."""
    shown = []

    def display(what, display_id):
        assert display_id
        shown.append(what._repr_html_())
        return SimpleNamespace(update=lambda bars: shown.append(bars._repr_html_()))

    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    return shown


def test_a_script_is_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    assert not in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not in_notebook()
    assert choose_progress(None) is report_nothing


def test_ipython_on_a_terminal_is_no_notebook(monkeypatch):
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython", shell)
    assert not in_notebook()


def test_the_callers_progress_wins(notebook):
    def mine(step, done, total):
        pass

    assert choose_progress(mine) is mine
    assert isinstance(choose_progress(None), NotebookProgress)


def test_bars_in_a_notebook(notebook):
    with notebook_or_terminal_progress() as report:
        for done in range(101):
            report("sweep", done, 100)
        report("<figures>", 0, 3)
    # the first, the last and the next step; what came in between was too soon
    assert len(notebook) == 3
    assert '<progress value="100" max="100">' in notebook[1]
    assert "&lt;figures&gt;" in notebook[2]
    assert "100 of 100" in notebook[2]
    assert repr(report) == "sweep: 100/100, <figures>: 0/3"


def test_a_step_without_parts(notebook):
    NotebookProgress()("nothing", 0, 0)
    assert 'max="1"' in notebook[0]


def test_lines_in_a_log(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "IPython", None)
    with notebook_or_terminal_progress() as report:
        report("sweep", 1, 2)
        report("sweep", 2, 2)
    assert capsys.readouterr().err == "sweep: 2/2\n"
