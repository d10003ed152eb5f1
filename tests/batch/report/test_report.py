"""The page of an archive: what it says, what it hides, and that it is whole or not there."""

import csv
import json
from html.parser import HTMLParser

import pytest

from tests.support.batches import QUICK, forked, make_archive, make_batch, write_movie
from umlpsd_gpu.analyses.blinking.analysis import BLINKING
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest import read_manifest
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.report.page import format_time, write_batch_report
from umlpsd_gpu.batch.report.table import AFTER, BEFORE
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.errors import OutputError

HOSTILE = "<script>alert('x')</script>\n & more"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Two real studies with reports, a movie that fails, and one that nobody has looked at."""
    place = tmp_path_factory.mktemp("report")
    archive = make_archive(place / "archive", 2)
    (archive / f"{HOSTILE.replace('/', '|')}.tif").write_bytes(b"II*\x00")
    write_movie(archive / "waiting.tif", seed=9)
    make_batch(archive, place / "out", figures=True)
    ids = [e.id for e in read_manifest(place / "out").movies if e.name != "waiting.tif"]
    run_batch(place / "out", RunOptions(n_workers=2, movie_ids=ids))
    write_batch_report(place / "out")
    return place / "out"


class Page(HTMLParser):
    """Collects tags, links and words."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.words.append(data)


def page_of(out):
    return Page((out / "report" / "report.html").read_text(encoding="utf-8"))


def rows_of(out):
    with (out / "report" / "movies.csv").open(newline="", encoding="utf-8") as file:
        return {row["movie"]: row for row in csv.DictReader(file)}


class TestPage:
    def test_leads_with_how_far_it_is(self, out):
        words = " ".join(page_of(out).words)
        assert "2 of 4 movies analysed, 1 failed" in words
        assert "K = " in words
        (failed,) = (row for row in rows_of(out).values() if row["state"] == "failed")
        assert failed["reason"] in words

    def test_names_are_shown_and_never_obeyed(self, out):
        page = page_of(out)
        # the page's own, which the policy allows by its digest
        assert page.tags.count("script") == 1
        assert any("<script>" in words for words in page.words)

    def test_links_lead_to_the_studies_and_nothing_is_loaded(self, out):
        links = page_of(out).links
        reports = [link for link in links if not link.startswith("data:")]
        assert len(reports) == 2
        for link in reports:
            assert (out / "report" / link).resolve().is_file()
        assert sum(link.startswith("data:image/svg+xml") for link in links) == 4

    def test_says_nothing_is_finished_where_nothing_is(self, tmp_path):
        make_archive(tmp_path / "archive", 1)
        make_batch(tmp_path / "archive", tmp_path / "out")
        write_batch_report(tmp_path / "out")
        words = " ".join(page_of(tmp_path / "out").words)
        assert "0 of 1 movies analysed" in words
        assert "No result is finished yet." in words

    @pytest.mark.parametrize(
        ("seconds", "words"), [(0, "0 s"), (89, "89 s"), (90, "1.5 min"), (7200, "2 h")]
    )
    def test_times_have_units_that_suit_them(self, seconds, words):
        assert format_time(seconds) == words


class TestTable:
    def test_has_a_row_for_every_movie(self, out):
        rows = rows_of(out)
        assert len(rows) == 4
        columns = [column.name for column in BLINKING.batch_columns()]
        assert list(next(iter(rows.values()))) == [*BEFORE, *columns, *AFTER]
        assert {"n_frames", "dt_s", "k_opt", "beta_mean_by_cluster"} <= set(columns)
        assert [row["state"] for row in rows.values()].count("done") == 2
        assert rows["waiting.tif"]["state"] == "waiting"

    def test_says_what_the_studies_say(self, out):
        folder = BatchFolder.at(out)
        for entry in read_manifest(out).movies:
            row = rows_of(out).get(entry.name, {})
            if row.get("state") != "done":
                continue
            study = Study.load(folder.result(entry.id) / "study")
            assert int(row["k_opt"]) == study.decision.k_opt
            assert float(row["confidence"]) == study.decision.confidence
            assert int(row["n_traces"]) == study.traces.n_traces
            means = [float(text) for text in row["beta_mean_by_cluster"].split(";")]
            assert means == study.clusters.beta_mean.tolist()
            sizes = [int(text) for text in row["n_traces_by_cluster"].split(";")]
            assert sum(sizes) == study.clustered.sum()
            assert float(row["seconds"]) > 0

    def test_says_why_a_movie_failed_without_its_path(self, out):
        (failed,) = (row for row in rows_of(out).values() if row["state"] == "failed")
        assert failed["reason"]
        assert not failed["reason"].startswith("/")
        assert "\n" not in failed["movie"]


class TestFolder:
    def test_can_be_written_again_with_the_same_bytes(self, out):
        before = {p.name: p.read_bytes() for p in (out / "report").rglob("*") if p.is_file()}
        write_batch_report(out)
        after = {p.name: p.read_bytes() for p in (out / "report").rglob("*") if p.is_file()}
        assert after == before
        assert json.loads(after["archive.json"])["counts"]["done"] == 2
        assert {"clusters.png", "exponents.svg", "seconds.png"} < set(after)

    def test_of_somebody_else_is_left_alone(self, tmp_path):
        make_archive(tmp_path / "archive", 1)
        make_batch(tmp_path / "archive", tmp_path / "out")
        run_batch(tmp_path / "out", forked())
        (tmp_path / "out" / "report").mkdir()
        (tmp_path / "out" / "report" / "mine.txt").write_text("keep me")
        with pytest.raises(OutputError, match="holds files but no archive report"):
            write_batch_report(tmp_path / "out")
        assert (tmp_path / "out" / "report" / "mine.txt").read_text() == "keep me"

    def test_a_link_in_its_place_is_refused(self, tmp_path):
        make_archive(tmp_path / "archive", 1)
        make_batch(tmp_path / "archive", tmp_path / "out", QUICK)
        (tmp_path / "out" / "report").symlink_to(tmp_path)
        with pytest.raises(OutputError, match="symbolic link"):
            write_batch_report(tmp_path / "out")
