"""Studies that stand out, against the rule by hand; failures by their reasons."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.archives import make_rows, render_archive
from umlpsd_gpu.analyses.blinking.analysis import BLINKING
from umlpsd_gpu.analyses.protocol import Column
from umlpsd_gpu.batch.report.outlying import group_failures, list_outlying, spreads_of

VALUE = Column("x", lambda facts, summary: summary.get("x"), "x", least_spread=0.1)


def rows_of(values):
    (row,) = make_rows(1)
    return [replace(row, name=f"movie {i}", summary={"x": value}) for i, value in enumerate(values)]


def outlying(values):
    rows = rows_of(values)
    return [each.value for each in list_outlying(rows, spreads_of(rows, [VALUE]))]


def test_the_limits_are_three_and_a_half_robust_deviations():
    values = [*np.random.default_rng(0).normal(5, 1, 200), 20.0, -9.0]
    (spread,) = spreads_of(rows_of(values), [VALUE])
    sd = 1.4826 * np.median(np.abs(values - np.median(values)))
    assert (spread.low, spread.high) == pytest.approx(
        (np.median(values) - 3.5 * sd, np.median(values) + 3.5 * sd)
    )
    # the furthest first
    assert outlying(values)[:2] == [20.0, -9.0]


def test_many_outlying_studies_do_not_hide_each_other():
    values = [*np.random.default_rng(1).normal(0, 1, 60), *([50.0] * 20)]
    assert outlying(values)[:20] == [50.0] * 20


def test_equal_values_need_the_least_spread():
    assert outlying([3.0] * 20 + [3.3]) == []
    assert outlying([3.0] * 20 + [3.4]) == [3.4]


def test_few_studies_are_not_judged_and_missing_values_are_left_out():
    assert outlying([1.0] * 6 + [99.0]) == []
    assert outlying([1.0] * 8 + [None, 99.0]) == [99.0]
    (spread,) = spreads_of(rows_of([None] * 9), [VALUE])
    assert np.isnan(spread.median)
    assert not spread.is_outlying.any()


def test_k_and_mean_exponent_of_a_movie_study_are_judged():
    rows = [row for row in make_rows(60) if row.summary]
    found = list_outlying(rows, spreads_of(rows, BLINKING.batch_columns()))
    assert {(each.heading, each.row.name) for each in found} == {
        ("K", "day_0/region_1.tif"),
        ("⟨β⟩", "day_0/region_1.tif"),
    }
    clusters = rows[0].summary["clusters"]
    weights = [cluster["n_beta"] for cluster in clusters]
    mean = np.average([cluster["beta_mean"] for cluster in clusters], weights=weights)
    (column,) = (each for each in BLINKING.batch_columns() if each.name == "beta_mean")
    assert column.value({}, rows[0].summary) == pytest.approx(mean)


def test_failures_are_grouped_by_reason_but_for_numbers():
    rows = make_rows(200)
    groups = group_failures(rows)
    assert [len(group.rows) for group in groups] == [4]
    assert groups[0].reason == "truncated: 9007 of 10000 frames are sound"
    other = replace(rows[57], reason="no frame interval")
    groups = group_failures([*rows[:57], other, *rows[58:]])
    assert [len(group.rows) for group in groups] == [3, 1]


def test_the_page_says_the_rule_and_groups_failures():
    page = render_archive(make_rows(120))
    assert "1.4826 × the median absolute deviation, at least 0.5 for K; 0.02 for ⟨β⟩" in page
    assert "<b>3 movies</b>: truncated: 9007 of 10000 frames are sound" in page
    assert page.count("data:image/svg+xml") == 4


def test_an_archive_without_results_has_a_page():
    rows = [row for row in make_rows(120) if not row.summary]
    page = render_archive(rows, figures=False)
    assert "No result is finished yet." in page
    assert "Outlying studies" not in page
