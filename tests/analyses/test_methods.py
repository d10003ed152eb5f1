"""Methods sections tell what was done, with the numbers of the result, and can be pasted."""

import re
from dataclasses import replace

import pytest

from tests.support.small_results import small_result
from tests.support.studies import make_study
from umlpsd_gpu.analyses.methods.methods import MethodsText
from umlpsd_gpu.analyses.methods.references import FILE, known_references
from umlpsd_gpu.analyses.registry import get_analysis

PAPER = "https://doi.org/10.1038/s41467-026-68939-7"


def methods_of(result):
    return get_analysis(result.analysis).methods(result)


def test_numbers_are_those_of_the_study():
    study = small_result("blinking")
    text, fit, sweep = methods_of(study).paragraph, study.fit, study.sweeps[0]
    assert PAPER in methods_of(study).text
    assert f"K = 1…{sweep.k_values.max()} clusters at each scale, {sweep.n_epochs} times" in text
    assert "4 smoothing scales (unsmoothed; averaged over bins of 20 and 40 frames" in text
    assert f"{fit.f_range_hz[0]:.4g} to {fit.f_range_hz[1]:.4g} Hz" in text
    assert f"K = {study.decision.k_opt} at scale {study.decision.scale}" in text
    for mean, stderr in zip(study.clusters.beta_mean, study.clusters.beta_stderr, strict=True):
        assert f"{mean:.3f} ± {stderr:.3f}" in text


def test_says_only_what_was_done():
    study = small_result("blinking")
    without = [sweep for sweep in study.sweeps if sweep.scale != "WL3"]
    shown = methods_of(replace(study, sweeps=tuple(without)))
    assert "wavelet" not in shown.paragraph
    assert "lee2019" not in shown.bibtex
    fit = replace(study.fit, model="auto", fitting="whittle")
    assert "hurvich1989" in methods_of(replace(study, fit=fit)).bibtex
    assert "whittle1953" not in methods_of(study).bibtex
    assert "sample of" not in shown.paragraph
    sampled = tuple(replace(sweep, n_silhouettes=9) for sweep in study.sweeps)
    assert (
        "for a random sample of 9 of the 34 traces"
        in methods_of(replace(study, sweeps=sampled)).paragraph
    )


def test_another_rule_cites_no_halves():
    study = make_study(n_traces=20, n_frames=160, k_max=4)
    found = methods_of(study)
    assert f"by the rule '{study.decision.rule}'" in found.paragraph
    assert {"hennig2007", "tibshirani2001"}.isdisjoint(each.key for each in found.references)
    assert "18 of 20 were clustered" in found.paragraph
    assert "film_1.tif and film_2.tif" in found.paragraph


def test_engines_are_named():
    study = small_result("blinking")
    sweeps = tuple(replace(sweep, engine="sklearn") for sweep in study.sweeps)
    text = methods_of(replace(study, sweeps=sweeps)).paragraph
    assert f"by scikit-learn {study.versions['scikit-learn']} [" in text


def test_an_unknown_citation_is_an_error():
    with pytest.raises(KeyError, match="nobody1900"):
        _ = MethodsText(("As shown [@nobody1900].",), "1").references


def test_all_references_are_complete():
    known = known_references()
    assert len(known) == FILE.read_text("utf-8").count("\n@") + 1
    for key, reference in known.items():
        assert reference.bibtex.startswith("@")
        assert not re.search(r"[{}\\]", reference.text), key
        assert re.search(r"\d{4}\)|https://", reference.text), key
