"""Results in a console and a notebook: one line, a small table, every text escaped."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.movies import array_movie
from tests.support.studies import make_study, small_study
from umlpsd_gpu.analyses.blinking.display import describe_study
from umlpsd_gpu.compute.display import Outline, count, format_with_error, render_html, shorten
from umlpsd_gpu.movie.movie import Verdict

STUDY = small_study()
MOVIE = array_movie(np.zeros((5, 4, 3), np.uint16))
RESULTS = {
    "Movie": MOVIE,
    "Traces": STUDY.traces,
    "Sweep": STUDY.sweeps[0],
    "KDecision": STUDY.decision,
    "Spectrum": STUDY.spectrum,
    "PowerLawFit": STUDY.fit,
}


@pytest.mark.parametrize("name", RESULTS)
def test_repr_is_one_short_line_without_arrays(name):
    line = repr(RESULTS[name])
    assert line.startswith(f"{name}(")
    assert "\n" not in line
    assert "array(" not in line
    assert len(line) < 140


def test_lines_say_what_matters():
    assert repr(MOVIE) == "Movie('array.tif', 5 frames of 4 × 3 pixels, uint16, dt 0.03 s)"
    assert repr(STUDY.decision) == "KDecision(K = 3 at W80, confidence 0.86)"
    assert repr(STUDY.sweeps[0]) == "Sweep(raw: K = 1…5, 20 epochs, 21 traces)"
    damaged = replace(MOVIE, dt_s=None, verdict=Verdict("truncated", 9, 5, "the file ends"))
    assert repr(damaged).endswith("dt unknown, truncated)")


@pytest.mark.parametrize("name", RESULTS)
def test_html_is_small_and_closed(name):
    html = RESULTS[name]._repr_html_()
    assert len(html) < 6000
    for tag in ("div", "table", "tr", "td", "th"):
        assert html.count(f"<{tag}") - html.count("<thead") * (tag == "th") == html.count(
            f"</{tag}>"
        )


def test_a_study_shows_its_decision_and_a_row_per_cluster():
    study = make_study(n_traces=60, n_frames=200, k_max=5, n_clusters=4)
    description = describe_study(study)
    html = render_html("Study", description)
    assert "K = 4 at W80, confidence 0.86 (95 %: 0.61…0.96)." in html
    assert len(description.rows) == 4
    assert sum(int(row[1]) for row in description.rows) == 58
    assert study.notes[0] in html


def test_every_text_is_escaped():
    hostile = '<script>alert("1")</script> & more'
    study = replace(
        STUDY,
        notes=(hostile,),
        decision=replace(STUDY.decision, reason=hostile, votes={hostile: 3}, scale=hostile),
        traces=replace(STUDY.traces, source=(hostile,) * 23, history=(hostile,)),
        movies=tuple(replace(movie, name=hostile) for movie in STUDY.movies),
    )
    movie = replace(MOVIE, name=hostile, pixel_size_origin=hostile, dt_origin=hostile)
    shown = [
        render_html("Study", describe_study(study)),
        *(part._repr_html_() for part in (study.traces, study.decision, movie)),
        replace(STUDY.sweeps[0], scale=hostile, engine=hostile)._repr_html_(),
        render_html(hostile, Outline("", [(hostile,)], [hostile], hostile, [hostile])),
    ]
    for html in shown:
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_odd_results_are_shown():
    lonely = make_study(n_traces=4, n_frames=200, n_clusters=1, n_flagged=0, k_max=2)
    assert "–" in render_html("Study", describe_study(lonely))
    nothing = replace(STUDY.fit, beta=np.full(23, np.nan))
    assert "median β = –" in repr(nothing)
    empty = STUDY.traces.select(np.array([], dtype=int))
    assert repr(empty).startswith("Traces(0 traces of 160 samples")


def test_words():
    assert (count(1, "trace"), count(1200, "trace")) == ("1 trace", "1,200 traces")
    assert shorten(["a", "b", "a", "c", "d"], 2) == "a, b and 2 more"
    assert format_with_error(1.353, np.nan) == "1.35 ± –"
