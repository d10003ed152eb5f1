"""The page of a comparison: complete, escaped, and without anything from elsewhere."""

import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tests.support.studies import small_study
from umlpsd_gpu.analyses.comparing.compare_results import compare_results
from umlpsd_gpu.plotting.style import cluster_colour
from umlpsd_gpu.report.comparison_page import render_comparison

HOSTILE = "<script>alert(1)</script>&\"'"


@pytest.fixture(scope="module")
def side():
    study = small_study()
    swap = np.array([0, 2, 1, 3], dtype=np.int16)
    settings = study.settings.with_values({"sweep.seed": 9})
    fit = replace(study.fit, beta=study.fit.beta + 0.25)
    changed = replace(study, labels=swap[study.labels], settings=settings, fit=fit)
    return compare_results(study, changed, (HOSTILE, "B & C"))


def test_has_all_that_changed(side):
    page = render_comparison(side)
    text = re.sub(r"<[^>]+>", " ", page)
    assert "K is 3 in both" in text
    assert f"of {side.comparison.agreement.n_common} traces" in text
    assert "sweep.seed" in text
    for each in side.comparison.differences:
        assert each.name in text
    assert "+0.25" in text
    for digest in side.digests:
        assert digest[:12] in text
    # matched clusters are bold in the table of counts
    bold = re.findall(r"<b>(\d+)</b>", page)
    assert [int(n) for n in bold] == [match.n_shared for match in side.comparison.agreement.matches]


def test_clusters_have_their_colours(side):
    page = render_comparison(side)
    for cluster in (1, 2, 3):
        assert to_hex(cluster_colour(cluster)) in page


def test_names_are_text_and_nothing_is_loaded(side):
    page = render_comparison(side)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"(src|href)=", page)
    assert "default-src 'none'" in page


def test_an_interval_is_drawn_where_it_lies(side):
    page = render_comparison(side)
    clear = re.findall(r'<line class="range clear" x1="([-\d.]+)" x2="([-\d.]+)" y1="0"', page)
    # the shift of all exponents has an interval without a width, to the right of no change
    assert ("50.0", "50.0") in clear


def test_identical_studies_say_so():
    study = small_study()
    page = render_comparison(compare_results(study, study))
    assert "Both hold the same data and settings." in page
    assert page.count("The same in both.") == 2
