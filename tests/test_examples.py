"""The examples in the docstrings of the public names run, quickly, and every verb has one."""

import doctest
import inspect
import time

import matplotlib
import pytest

import umlpsd_gpu

matplotlib.use("Agg")

VERBS = (
    *("open_movie", "extract_emitters", "extract_pixels", "read_traces", "pool_traces"),
    *("preprocess", "plot_traces", "plot_clusters", "plot_metrics", "plot_power_spectra"),
    *("plot_exponents", "plot_map", "plot_study_map"),
)
NAMES = [name for name in umlpsd_gpu.__all__ if ">>>" in (getattr(umlpsd_gpu, name).__doc__ or "")]
# Long enough for a busy machine; alone each takes less than a second
LONGEST_S = 10.0


def test_every_verb_here_has_an_example():
    assert set(VERBS) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_runs(name):
    text = inspect.getdoc(getattr(umlpsd_gpu, name))
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    said = []
    start = time.perf_counter()
    found = doctest.DocTestRunner().run(example, out=said.append)
    assert found.failed == 0, "".join(said)
    assert time.perf_counter() - start < LONGEST_S
