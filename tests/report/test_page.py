"""report.html: leads with the decision, needs no network, escapes what users call their files."""

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from tests.support.studies import make_study
from umlpsd_gpu.analyses.blinking.page import headline, outlier_sentence
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.registry import get_analysis
from umlpsd_gpu.analyses.saving import digest_of_result
from umlpsd_gpu.plotting.style import DrawnFigure
from umlpsd_gpu.report.page import render_page

HOSTILE = "<script>alert('x')</script>&\"$<img src=http://evil.example/x.png>"
FIGURE = DrawnFigure("profile", "A title", "A caption with ⟨β⟩ < 1.", b"png", b"<svg/>")


class Page(HTMLParser):
    """Collects tags with their attributes, the text, and what is inside scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script" and not attrs:
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem != "script":
            self.text += data
        elif not self.tags[-1][1]:
            self.scripts[-1] += data


def small_study(**changes: object) -> Study:
    return make_study(n_traces=23, n_frames=160, k_max=5, **changes)


@pytest.fixture(scope="module")
def study() -> Study:
    return small_study()


@pytest.fixture(scope="module")
def html(study: Study) -> str:
    return render_page(study, [FIGURE])


def test_leads_with_the_decision(study: Study, html: str) -> None:
    text = Page(html).text
    decision = text.index("3 clusters in 21 traces, at scale W80")
    assert text.index(study.decision.reason) < text.index("Cluster 1 is the largest")
    assert decision < text.index(study.decision.reason)
    assert "0.86" in text
    assert re.search(r"Traces clustered\s*21\s*of 23", text)


def test_holds_notes_votes_clusters_and_origins(study: Study, html: str) -> None:
    text = Page(html).text
    for note in study.notes:
        assert note in text
    for criterion in study.decision.votes:
        assert criterion in text
    for mean, stderr in zip(study.clusters.beta_mean, study.clusters.beta_stderr, strict=True):
        assert f"{mean:.3f} ± {stderr:.3f}" in text
    for movie in study.movies:
        assert movie.name in text
        assert movie.verdict in text
    assert study.settings.to_toml() in text
    assert digest_of_result(study) in text
    assert "10.1038/s41467-026-68939-7" in text


def test_outliers_are_counted_and_explained(study: Study, html: str) -> None:
    n, moved = int(study.outliers.is_outlier.sum()), 0
    assert n > 0
    text = Page(html).text
    assert f"traces that fit no cluster: {n} of 21; about 1 are expected by chance" in text
    assert f"{moved} of the other traces change their cluster" in text
    labels = study.outliers.labels.copy()
    labels[np.flatnonzero(labels == 1)[:2]] = 2
    changed = dataclasses.replace(study.outliers, labels=labels)
    assert "them, 2 of the other traces" in outlier_sentence(
        dataclasses.replace(study, outliers=changed)
    )


@pytest.mark.parametrize(
    ("threshold", "said"),
    [(99.0, "fit no cluster: none of 21"), (np.inf, "Too few traces were clustered to find")],
)
def test_no_outliers(study: Study, threshold: float, said: str) -> None:
    outliers = dataclasses.replace(study.outliers, threshold=threshold)
    sentence = outlier_sentence(dataclasses.replace(study, outliers=outliers))
    assert said in sentence
    assert "ringed" not in sentence


def test_nominal_interval_is_shown_only_where_it_differs(study: Study) -> None:
    movies = [dataclasses.replace(study.movies[0], dt_nominal_s=s) for s in (0.03, 0.03002, 0.04)]
    text = Page(render_page(dataclasses.replace(study, movies=tuple(movies)), [])).text
    assert re.findall(r"\(nominal [^)]*\)", text) == ["(nominal 0.04 s)"]


def test_is_self_contained(html: str) -> None:
    for tag, attributes in Page(html).tags:
        assert tag not in {"link", "iframe", "object", "embed"}
        assert "srcset" not in attributes
        assert (attributes.get("src") or "data:").startswith("data:")
        if "href" in attributes:
            assert tag == "a"
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_only_the_scripts_of_the_package_may_run(html: str) -> None:
    page = Page(html)
    policy = next(a["content"] or "" for tag, a in page.tags if a.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    digests = [hashlib.sha256(script.encode()).digest() for script in page.scripts]
    expected = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    assert rules["script-src"].split() == expected
    assert len(expected) == 2


def test_figures_are_inside_with_captions(html: str) -> None:
    (image,) = (attributes for tag, attributes in Page(html).tags if tag == "img")
    assert image["src"] == "data:image/svg+xml;base64,PHN2Zy8+"
    assert image["alt"] == "A title. A caption with ⟨β⟩ < 1."
    assert "A caption with ⟨β⟩ &lt; 1." in html


def test_hostile_names_are_escaped(study: Study) -> None:
    movies = tuple(
        dataclasses.replace(movie, name=HOSTILE, verdict=HOSTILE, dt_origin=HOSTILE)
        for movie in study.movies
    )
    decision = dataclasses.replace(study.decision, reason=HOSTILE, votes={HOSTILE: 3})
    hostile = dataclasses.replace(study, movies=movies, decision=decision, notes=(HOSTILE,))
    page = Page(render_page(hostile, [FIGURE]))
    assert [tag for tag, _ in page.tags if tag == "script"] == 5 * ["script"]
    assert sum(tag == "img" for tag, _ in page.tags) == 1
    assert page.text.count(HOSTILE) >= 6


def test_hostile_source_of_imported_traces_is_escaped() -> None:
    study = small_study(kind="imported")
    traces = dataclasses.replace(study.traces, source=(HOSTILE,) * study.traces.n_traces)
    page = Page(render_page(dataclasses.replace(study, traces=traces), []))
    assert "img" not in {tag for tag, _ in page.tags}
    assert [tag for tag, _ in page.tags if tag == "script"] == 5 * ["script"]
    assert f"Imported traces: {HOSTILE}" in page.text


def test_one_cluster_says_so() -> None:
    study = small_study(n_clusters=1)
    text = Page(render_page(dataclasses.replace(study, notes=()), [])).text
    assert headline(study) == "No cluster structure in 21 traces"
    assert headline(study) in text
    assert not re.search(r"\b(nan|None)\b", text)


def test_what_to_check_next(study: Study) -> None:
    text = Page(render_page(study, [])).text
    assert "What to check next" in text
    checks = get_analysis("blinking").checks(study)
    assert checks
    assert all(check in text for check in checks)


def test_same_study_same_page(study: Study, html: str) -> None:
    assert render_page(study, [FIGURE]) == html
