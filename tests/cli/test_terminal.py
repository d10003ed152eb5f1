"""Terminal tables say only what is known, and progress never costs a study."""

import dataclasses
import errno
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console, RenderableType

from tests.support.studies import make_study
from umlpsd_gpu.analyses.blinking.answer import cluster_table
from umlpsd_gpu.analyses.blinking.describe import describe_movie
from umlpsd_gpu.cli.check import description_table
from umlpsd_gpu.compute.progress import notebook_or_terminal_progress as progress
from umlpsd_gpu.movie.movie import Movie, Verdict


def text_of(table: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    return console.file.getvalue()


def movie_table(movie: Movie) -> RenderableType:
    return description_table(str(movie.path), describe_movie(movie))


def make_movie(**changes: object) -> Movie:
    values = {
        "path": Path("film [1].tif"),
        "n_frames": 10_000,
        "n_rows": 512,
        "n_cols": 512,
        "dtype": np.dtype("uint16"),
        "dt_s": 0.03,
        "dt_origin": "measured timestamps (ElapsedTime-ms)",
        "dt_nominal_s": 0.025,
        "pixel_size_um": 0.1,
        "pixel_size_origin": "OME",
        "verdict": Verdict("whole", 10_000, 10_000),
        "memory_mb": 256.0,
        "read_frames": lambda start, stop: np.zeros((stop - start, 512, 512), np.uint16),
    }
    return Movie(**values | changes)


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class TestMovieTable:
    @pytest.mark.parametrize(
        ("changes", "interval"),
        [
            ({}, "0.03 s (measured timestamps (ElapsedTime-ms); nominal 0.025 s)"),
            ({"dt_nominal_s": 0.03002}, "0.03 s (measured timestamps (ElapsedTime-ms))"),
            ({"dt_nominal_s": None, "dt_origin": "user"}, "0.03 s (user)"),
            (
                {"dt_nominal_s": 0.03, "dt_origin": "nominal (ImageJ [finterval])"},
                "0.03 s (nominal (ImageJ [finterval]))",
            ),
            (
                {"dt_s": None, "dt_origin": "unknown", "dt_nominal_s": None},
                "unknown; give it with --dt-s",
            ),
        ],
    )
    def test_interval_is_shown_once(self, changes: dict, interval: str) -> None:
        lines = text_of(movie_table(make_movie(**changes))).splitlines()
        (line,) = (line for line in lines if "interval" in line)
        assert line.split(maxsplit=1)[1].strip() == interval

    def test_notes_and_hints_are_shown(self) -> None:
        movie = make_movie(notes=("By the time stamps, 3 frames are missing.",))
        assert "3 frames are missing" in text_of(movie_table(movie))
        movie = make_movie(dt_s=None, dt_origin="unknown", dt_hint="fps=7 may be playback")
        assert "unknown (fps=7 may be playback); give it" in text_of(movie_table(movie))

    def test_unknown_pixel_size(self) -> None:
        movie = make_movie(pixel_size_um=None, pixel_size_origin="unknown")
        assert text_of(movie_table(movie)).count("unknown") == 1

    def test_cost_of_a_study(self) -> None:
        text = text_of(movie_table(make_movie()))
        # 10,000 × 512 × 512 × 2 bytes; 235 MB + 6 × 8 MB of traces + 26 MB of images; 5,243 / 600
        # + 7 s + 0.5 s for images + 1 s for traces
        assert "5243 MB; a study of 100 emitters needs about 310 MB of memory and 17 s" in text

    @pytest.mark.parametrize(("n_frames", "warned"), [(302, True), (303, False)])
    def test_too_few_frames_for_log_welch(self, n_frames: int, warned: bool) -> None:
        text = text_of(movie_table(make_movie(n_frames=n_frames)))
        assert ("log_welch needs 303 frames; use --psd periodogram" in text) == warned

    def test_damage_and_brackets_are_shown(self) -> None:
        verdict = Verdict("truncated", 10_000, 9, "9 of [10000] frames")
        text = text_of(movie_table(make_movie(verdict=verdict)))
        assert "film [1].tif" in text
        assert "truncated: 9 of [10000] frames" in text


class TestClusterTable:
    def test_holds_size_and_exponent(self) -> None:
        study = make_study(n_traces=23, n_frames=320, k_max=3)
        first = text_of(cluster_table(study)).splitlines()[1].split()
        mean, stderr = study.clusters.beta_mean[0], study.clusters.beta_stderr[0]
        n_traces = str((study.labels == 1).sum())
        assert first == ["1", n_traces, f"{mean:.3f}", "±", f"{stderr:.3f}"]

    def test_dash_where_not_defined(self) -> None:
        study = make_study(n_traces=23, n_frames=320, k_max=3)
        clusters = dataclasses.replace(
            study.clusters,
            beta_mean=np.array([np.nan, 1.25, 0.5]),
            beta_stderr=np.array([np.nan, np.nan, 0.125]),
        )
        lines = text_of(cluster_table(dataclasses.replace(study, clusters=clusters))).splitlines()
        assert [line.split()[2:] for line in lines[1:]] == [
            ["–", "±", "–"],
            ["1.250", "±", "–"],
            ["0.500", "±", "0.125"],
        ]


class TestPlainProgress:
    def test_a_line_per_finished_step_on_stderr(self, capsys: pytest.CaptureFixture) -> None:
        with progress() as report:
            for done in range(4):
                report("sweep", done, 3)
            report("figures", 5, 5)
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err == "sweep: 3/3\nfigures: 5/5\n"

    @pytest.mark.parametrize("stream", [FullDisk(), None], ids=["full", "closed"])
    def test_lost_stderr_stops_nothing(
        self,
        stream: io.StringIO | None,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture,
    ) -> None:
        monkeypatch.setattr(sys, "stderr", stream)
        n_reported = 0
        with progress() as report:
            for step in ("sweep", "figures"):
                report(step, 1, 1)
                n_reported += 1
        assert n_reported == 2
        assert capsys.readouterr().out == ""
