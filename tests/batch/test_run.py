"""A runner settles every movie, repeats nothing, and survives its workers."""

import json
import math
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.batches import (
    QUICK,
    assert_all_visible_is_whole,
    assert_nothing_left_over,
    attempts_in,
    commits_of,
    endless,
    folder_in_memory,
    forked,
    ids_of,
    make_archive,
    make_batch,
    pretend,
    result_of,
    run_in_child,
    studies_of,
    write_movie,
)
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.batch.fingerprint import EDGE_BYTES, N_SAMPLES, SAMPLE_BYTES, fingerprint
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest import init_batch, read_manifest
from umlpsd_gpu.batch.movie_state import DONE_FORMAT
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.batch.status import read_status
from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.storage.json_files import read_json


@pytest.fixture
def tmp_path():
    with folder_in_memory() as place:
        yield place


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return make_archive(tmp_path_factory.mktemp("archive"), 4)


@pytest.fixture(scope="module")
def finished(archive, tmp_path_factory):
    """A batch of real studies by two workers, and what its runner reported."""
    out = tmp_path_factory.mktemp("finished") / "out"
    make_batch(archive, out)
    return out, run_batch(out, RunOptions(n_workers=2))


class TestRealStudies:
    def test_every_movie_gets_a_whole_study(self, finished):
        out, report = finished
        assert report.exit_code == 0
        assert report.n_made == len(report.done) == 4
        assert assert_all_visible_is_whole(out) == 4
        assert_nothing_left_over(out)
        assert set(commits_of(out).values()) == {1}

    def test_done_json_says_how_it_was_made(self, finished):
        out, _ = finished
        for movie_id in ids_of(out):
            done = read_json(BatchFolder.at(out).result(movie_id) / "done.json", DONE_FORMAT)
            assert done["device"] == "cpu"
            assert done["timings_s"]["extract"] > 0
            assert done["peak_rss_mb"] > 10
            study = Study.load(BatchFolder.at(out).result(movie_id) / "study")
            assert study.timings_s == {}
            assert study.traces.n_traces == done["n_traces"]

    def test_one_worker_shards_and_threads_give_the_same_bytes(self, finished, archive, tmp_path):
        """In another order, by other processes, with other threads, from another folder."""
        out, _ = finished
        moved = tmp_path / "elsewhere"
        moved.mkdir()
        for path in archive.iterdir():
            (moved / path.name).write_bytes(path.read_bytes())
        again = tmp_path / "again"
        make_batch(moved, again, QUICK.with_values({"n_threads": 2, "movie.memory_mb": 0.1}))
        for shard in ((2, 2), (1, 2)):
            report = run_batch(again, RunOptions(n_workers=1, shard=shard))
            assert report.n_movies == report.n_made == 2
        assert studies_of(again) == studies_of(out)

    def test_figures_can_be_added_and_the_numbers_stay(self, archive, tmp_path, finished):
        """Only drawn anew: the studies' numbers are not made again, and nothing depends on it."""
        at_once, later = tmp_path / "at_once", tmp_path / "later"
        one = tmp_path / "one"
        make_archive(one, 1)
        make_batch(one, at_once, figures=True)
        assert run_batch(at_once, RunOptions(n_workers=1)).exit_code == 0
        make_batch(one, later)
        run_batch(later, RunOptions(n_workers=1))
        make_batch(one, later, figures=True, update=True)
        assert run_batch(later, RunOptions(n_workers=1)).n_made == 1
        done = read_json(BatchFolder.at(later).result(ids_of(later)[0]) / "done.json", DONE_FORMAT)
        assert set(done["timings_s"]) == {"write"}
        assert studies_of(later) == studies_of(at_once)
        assert any(name.endswith("report.html") for name in studies_of(later))

    def test_no_pickle_is_written(self, finished):
        out, _ = finished
        endings = {path.suffix for path in out.rglob("*") if path.is_file()}
        assert endings <= {".json", ".jsonl", ".h5", ".csv", ".toml", ".txt", ".1"}
        for path in (p for p in out.rglob("*") if p.is_file()):
            assert not path.read_bytes().startswith(b"\x80"), path


class TestRepeating:
    def test_an_unchanged_rerun_does_nothing(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")
        assert run_batch(tmp_path / "out", forked()).n_made == 4
        before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / "results").rglob("*")}

        def never(job):
            raise AssertionError("nothing is to be done")

        report = run_batch(tmp_path / "out", forked(never))
        assert (report.n_made, len(report.done), report.exit_code) == (0, 4, 0)
        assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / "results").rglob("*")} == (
            before
        )

    @pytest.mark.parametrize(
        ("change", "n_made"),
        [
            ({"sweep.seed": 1}, 4),
            ({"traces.box_radius_px": 1}, 4),
            ({"n_threads": 1}, 0),
            ({"movie.memory_mb": 1.0}, 0),
            ({"device": "auto"}, 0),
        ],
    )
    def test_changed_settings_redo_what_they_touch(self, archive, tmp_path, change, n_made):
        make_batch(archive, tmp_path / "out")
        run_batch(tmp_path / "out", forked())
        make_batch(archive, tmp_path / "out", QUICK.with_values(change), update=True)
        status = read_status(tmp_path / "out")
        assert sum(movie.out_of_date for movie in status.movies) == n_made
        assert run_batch(tmp_path / "out", forked()).n_made == n_made
        assert_nothing_left_over(tmp_path / "out")

    def test_new_and_changed_movies_alone_are_done(self, tmp_path):
        archive = make_archive(tmp_path / "archive", 3)
        make_batch(archive, tmp_path / "out")
        run_batch(tmp_path / "out", forked())
        write_movie(archive / "movie_1.tif", seed=99)
        write_movie(archive / "new.tif", seed=98)
        make_batch(archive, tmp_path / "out", update=True)
        report = run_batch(tmp_path / "out", forked())
        assert report.n_made == 2
        assert sorted(commits_of(tmp_path / "out").values()) == [1, 1, 1, 2]

    def test_a_region_of_interest_that_changes_counts(self, archive, tmp_path):
        roi = tmp_path / "mask.tif"
        settings = QUICK.with_values({"traces.mode": "pixels", "traces.roi": str(roi)})
        for content, n_made in ((b"a", 4), (b"a", 0), (b"b", 4)):
            roi.write_bytes(content)
            make_batch(archive, tmp_path / "out", settings, update=True)
            assert run_batch(tmp_path / "out", forked()).n_made == n_made

    def test_a_study_of_the_other_backend_will_do_unless_one_is_asked_for(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out", QUICK.with_values({"device": "auto"}))

        def on_gpu(job):
            return {**pretend(job), "device": "gpu"}

        assert run_batch(tmp_path / "out", forked(on_gpu)).n_made == 4
        assert run_batch(tmp_path / "out", forked()).n_made == 0
        assert run_batch(tmp_path / "out", forked(device="cpu")).n_made == 4

    def test_a_result_that_lost_its_study_is_made_again(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")
        run_batch(tmp_path / "out", forked())
        result = BatchFolder.at(tmp_path / "out").result(ids_of(tmp_path / "out")[0])
        (result / "study" / "summary.json").unlink()
        assert run_batch(tmp_path / "out", forked()).n_made == 1
        assert assert_all_visible_is_whole(tmp_path / "out") == 4


class TestFailures:
    def test_ten_bad_ones_fail_with_reasons_and_the_rest_is_done(self, tmp_path):
        archive = make_archive(tmp_path / "archive", 20, n_frames=20)
        good = (archive / "movie_0.tif").read_bytes()
        for i in range(10):
            (archive / f"bad_{i}.tif").write_bytes(good[: 2000 * (i + 1)])
        out = tmp_path / "out"
        make_batch(archive, out)

        def check_first(job):
            from umlpsd_gpu.movie.open import open_movie

            open_movie(job.movie)
            return pretend(job)

        report = run_batch(out, forked(check_first, n_workers=2))
        assert report.exit_code == 1
        assert (len(report.done), len(report.failed), report.n_made) == (20, 10, 20)
        assert all(name.startswith("bad") for name in report.failed)
        for movie_id in ids_of(out)[:10]:
            (attempt,) = attempts_in(out, movie_id)
            assert attempt["kind"] == "failed"
            assert "bad_" in attempt["reason"]
            assert "MovieError" in attempt["traceback"]
        again = run_batch(out, forked(check_first))
        assert (again.n_made, len(again.failed), again.exit_code) == (0, 10, 1)
        assert {len(attempts_in(out, movie_id)) for movie_id in ids_of(out)} == {0, 2}
        (archive / "bad_0.tif").write_bytes(good)
        make_batch(archive, out, update=True)
        assert run_batch(out, forked(check_first)).n_made == 1

    def test_a_movie_that_kills_its_worker_is_set_aside_after_three_times(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")

        def deadly(job):
            if job.movie.endswith("movie_1.tif"):
                os.kill(os.getpid(), signal.SIGSEGV)
            return pretend(job)

        report = run_batch(tmp_path / "out", forked(deadly))
        assert list(report.set_aside) == ["movie_1.tif"]
        assert (len(report.done), report.exit_code) == (3, 1)
        crashes = attempts_in(tmp_path / "out", ids_of(tmp_path / "out")[1])
        assert [attempt["kind"] for attempt in crashes] == ["crashed"] * 3
        assert "signal 11" in crashes[0]["reason"]
        assert "Segmentation fault" in crashes[0]["traceback"]
        again = run_batch(tmp_path / "out", forked(deadly))
        assert len(attempts_in(tmp_path / "out", ids_of(tmp_path / "out")[1])) == 3
        assert again.exit_code == 1
        assert run_batch(tmp_path / "out", forked(retry=True)).exit_code == 0

    def test_attempts_are_counted_with_the_one_that_made_the_study(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")

        def late(job):
            is_new = not (tmp_path / "seen").exists()
            (tmp_path / "seen").touch()
            if job.movie.endswith("movie_0.tif") and is_new:
                os.kill(os.getpid(), signal.SIGSEGV)
            if job.movie.endswith("movie_3.tif"):
                raise ValueError("no")
            return pretend(job)

        run_batch(tmp_path / "out", forked(late))
        found = read_status(tmp_path / "out").movies
        assert [movie.state for movie in found] == ["done", "done", "done", "failed"]
        assert [movie.n_attempts for movie in found] == [2, 1, 1, 1]
        done = BatchFolder.at(tmp_path / "out").result(found[0].id) / "done.json"
        assert json.loads(done.read_text())["n_attempts"] == 2

    def test_a_movie_that_hangs_is_stopped_by_the_limit(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")

        def hangs(job):
            if job.movie.endswith("movie_1.tif"):
                time.sleep(300)
            return pretend(job)

        start, told = time.monotonic(), []
        report = run_batch(
            tmp_path / "out",
            forked(hangs, limit_s=1.0),
            lambda event, entry, text: told.append((event, entry.name)),
        )
        assert time.monotonic() - start < 60
        assert list(report.set_aside) == ["movie_1.tif"]
        assert (len(report.done), report.exit_code) == (3, 1)
        stopped = attempts_in(tmp_path / "out", ids_of(tmp_path / "out")[1])
        assert [attempt["kind"] for attempt in stopped] == ["overdue"] * 3
        assert all("the limit of 1 s" in attempt["reason"] for attempt in stopped)
        assert "in hangs" in stopped[0]["traceback"]
        assert told.count(("overdue", "movie_1.tif")) == 3
        assert run_batch(tmp_path / "out", forked(retry=True, limit_s=60.0)).exit_code == 0
        assert_nothing_left_over(tmp_path / "out")

    def test_a_movie_that_hangs_and_hears_no_signal_is_killed(self, tmp_path):
        make_batch(make_archive(tmp_path / "archive", 1), tmp_path / "out")

        def deaf(job):
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGABRT])
            time.sleep(300)

        report = run_batch(tmp_path / "out", forked(deaf, limit_s=0.3))
        assert (len(report.set_aside), report.exit_code) == (1, 1)
        assert "the limit of 0.3 s" in report.set_aside["movie_0.tif"].attempts[-1].reason

    def test_settings_give_a_movie_that_was_set_aside_another_chance(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")
        run_batch(tmp_path / "out", forked(lambda job: os._exit(9)))
        assert read_status(tmp_path / "out").counts["set aside"] == 4
        make_batch(archive, tmp_path / "out", QUICK.with_values({"sweep.seed": 5}), update=True)
        assert run_batch(tmp_path / "out", forked()).n_made == 4

    def test_a_movie_that_changed_since_init_fails(self, tmp_path):
        archive = make_archive(tmp_path / "archive", 1)
        make_batch(archive, tmp_path / "out")
        write_movie(archive / "movie_0.tif", seed=5)
        report = run_batch(tmp_path / "out", RunOptions(n_workers=1))
        (standing,) = report.failed.values()
        assert "--update" in standing.attempts[-1].reason

    @pytest.mark.parametrize("content_kind", ["sampled", "full"])
    def test_a_change_between_the_samples_is_noticed(self, tmp_path, content_kind):
        archive = make_archive(tmp_path / "archive", 1)
        out, movie = tmp_path / "out", archive / "movie_0.tif"
        init_batch(str(archive), out, QUICK, False, content_kind)
        content, before = bytearray(movie.read_bytes()), fingerprint([movie])
        at = len(content) // (N_SAMPLES + 1) + SAMPLE_BYTES + EDGE_BYTES
        content[at] ^= 1
        movie.write_bytes(content)
        assert fingerprint([movie]) == before, "this byte lies between the samples"
        os.utime(movie, (time.time() + 60, time.time() + 60))
        report = run_batch(out, RunOptions(n_workers=1))
        (standing,) = report.failed.values()
        assert "--update" in standing.attempts[-1].reason
        init_batch(str(archive), out, QUICK, False, content_kind, update=True)
        assert run_batch(out, RunOptions(n_workers=1)).exit_code == 0

    def test_a_movie_of_a_full_digest_may_be_touched(self, tmp_path):
        archive, out = make_archive(tmp_path / "archive", 1), tmp_path / "out"
        init_batch(str(archive), out, QUICK, False, "full")
        os.utime(archive / "movie_0.tif", (0, 0))
        assert run_batch(out, RunOptions(n_workers=1)).exit_code == 0

    def test_memory_beyond_the_limit_fails_one_movie(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")

        def greedy(job):
            if job.movie.endswith("movie_2.tif"):
                np.ones(4 << 30, np.uint8)
            return pretend(job)

        report = run_batch(tmp_path / "out", forked(greedy, memory_mb=3000 + address_space_mb()))
        (standing,) = report.failed.values()
        assert "--memory-mb" in standing.attempts[-1].reason
        assert len(report.done) == 3

    def test_what_a_worker_prints_is_kept(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")

        def chatty(job):
            os.write(2, b"a warning of some library\n")
            return pretend(job)

        run_batch(tmp_path / "out", forked(chatty))
        logs = list((tmp_path / "out").glob("results/*/log.txt"))
        assert len(logs) == 4
        assert "a warning" in logs[0].read_text()


class TestManyRunners:
    @pytest.mark.parametrize("n_runners", [2, 8])
    def test_each_movie_is_committed_once(self, tmp_path, n_runners):
        archive = make_archive(tmp_path / "archive", 12, n_frames=4)
        make_batch(archive, tmp_path / "out")
        runners = [run_in_child(tmp_path / "out", forked()) for _ in range(n_runners)]
        assert [result_of(*runner) for runner in runners] == [0] * n_runners
        assert commits_of(tmp_path / "out") == dict.fromkeys(ids_of(tmp_path / "out"), 1)
        assert assert_all_visible_is_whole(tmp_path / "out") == 12
        assert_nothing_left_over(tmp_path / "out")

    @pytest.mark.parametrize("finishes_first", [True, False])
    def test_a_stopped_runner_is_taken_over_and_its_late_commit_refused(
        self, archive, tmp_path, finishes_first
    ):
        make_batch(archive, tmp_path / "out")
        started = tmp_path / "started"

        def slow_the_first_time(job):
            if not started.exists():
                started.touch()
                time.sleep(3.0)
            return pretend(job)

        pid, _ = run_in_child(tmp_path / "out", forked(slow_the_first_time, term_s=0.5))
        wait_for(started.exists)
        os.kill(pid, signal.SIGSTOP)
        report = run_batch(tmp_path / "out", forked(term_s=0.5))
        assert report.exit_code == 0
        assert report.n_made == 4
        if finishes_first:
            # the late worker writes its study where its folder was, and ends
            wait_for(lambda: list((tmp_path / "out/work").glob("*/study/summary.json")))
            time.sleep(0.5)
        before = studies_of(tmp_path / "out")
        os.kill(pid, signal.SIGCONT)
        assert result_of(pid) == 0
        assert studies_of(tmp_path / "out") == before
        assert set(commits_of(tmp_path / "out").values()) == {1}
        assert_nothing_left_over(tmp_path / "out")

    def test_a_runner_stops_when_its_manifest_is_replaced(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")
        other = QUICK.with_values({"sweep.seed": 4})

        def replace_it(job):
            make_batch(archive, tmp_path / "out", other, update=True)
            return pretend(job)

        report = run_batch(tmp_path / "out", forked(replace_it))
        assert "was replaced" in report.trouble
        assert (report.n_made, report.exit_code) == (1, 1)
        assert run_batch(tmp_path / "out", forked()).n_made == 4

    def test_every_worker_sees_one_card(self, archive, tmp_path, monkeypatch):
        from umlpsd_gpu.batch import runner

        monkeypatch.setattr(runner, "choose_device", lambda device: "gpu")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,7")
        make_batch(archive, tmp_path / "out")

        def note_card(job):
            time.sleep(0.2)
            return {**pretend(job), "device": "gpu", "card": os.environ["CUDA_VISIBLE_DEVICES"]}

        run_batch(tmp_path / "out", forked(note_card, n_workers=None, device="gpu"))
        results = (tmp_path / "out/results").glob("*/done.json")
        assert {read_json(path, DONE_FORMAT)["card"] for path in results} == {"3", "7"}


class TestStopping:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
    def test_a_signal_lets_movies_at_work_finish(self, archive, tmp_path, number):
        make_batch(archive, tmp_path / "out")
        started = tmp_path / "started"

        def half_a_second(job):
            started.touch()
            time.sleep(0.5)
            return pretend(job)

        pid, _ = run_in_child(tmp_path / "out", forked(half_a_second))
        wait_for(started.exists)
        os.killpg(pid, number)  # the whole group, as a terminal and SLURM do
        assert result_of(pid, timeout_s=10) == 128 + number
        assert assert_all_visible_is_whole(tmp_path / "out") == 1
        assert_nothing_left_over(tmp_path / "out")
        assert run_batch(tmp_path / "out", forked()).n_made == 3

    def test_a_movie_that_takes_too_long_is_rolled_back_within_ten_seconds(self, tmp_path):
        make_batch(make_archive(tmp_path / "archive", 2, n_frames=4), tmp_path / "out")
        pid, _ = run_in_child(tmp_path / "out", forked(endless, n_workers=2))
        wait_for((tmp_path / "out" / "started").exists)
        start = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        assert result_of(pid, timeout_s=10) == 128 + signal.SIGTERM
        assert time.monotonic() - start < 10
        assert_nothing_left_over(tmp_path / "out")
        assert all(attempts_in(tmp_path / "out", i) == [] for i in ids_of(tmp_path / "out"))
        assert run_batch(tmp_path / "out", forked()).n_made == 2

    @pytest.mark.parametrize("start_method", ["fork", "forkserver"])
    def test_a_killed_runner_takes_its_workers_along(self, archive, tmp_path, start_method):
        make_batch(archive, tmp_path / "out")
        options = RunOptions(n_workers=2, start_method=start_method, perform=endless)
        pid, _ = run_in_child(tmp_path / "out", options)
        started = tmp_path / "out" / "started"
        wait_for(lambda: started.exists() and started.read_text())
        os.kill(pid, signal.SIGKILL)
        result_of(pid)
        wait_for(lambda: is_gone(int(started.read_text())))
        assert run_batch(tmp_path / "out", forked()).n_made == 4
        attempts = [a for i in ids_of(tmp_path / "out") for a in attempts_in(tmp_path / "out", i)]
        assert {attempt["kind"] for attempt in attempts} == {"lost"}


class TestRefusals:
    def test_links_out_of_the_batch_are_refused(self, archive, tmp_path):
        make_batch(archive, tmp_path / "out")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        BatchFolder.at(tmp_path / "out").result(ids_of(tmp_path / "out")[0]).symlink_to(elsewhere)
        with pytest.raises(OutputError, match="symbolic link"):
            run_batch(tmp_path / "out", forked())
        assert list(elsewhere.iterdir()) == []

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"shard": (3, 2)}, "1/4"),
            ({"shard": (0, 2)}, "1/4"),
            ({"n_workers": 0}, "1 or more"),
            ({"term_s": 0.0}, "above 0"),
            ({"term_s": math.inf}, "finite"),
            ({"limit_s": 0.0}, "above 0 s and finite, got 0.0"),
            ({"limit_s": math.nan}, "above 0 s and finite, got nan"),
            ({"n_threads": 0}, "threads of a worker must be 1 or more, got 0"),
            ({"memory_mb": -5.0}, "must be a number of MB, 0 for no limit, got -5.0"),
            ({"memory_mb": math.nan}, "got nan"),
            ({"memory_mb": math.inf}, "got inf"),
        ],
    )
    def test_options_out_of_range(self, options, says):
        with pytest.raises(SettingsError, match=says):
            RunOptions(**options)

    def test_without_a_manifest(self, tmp_path):
        with pytest.raises(SettingsError, match="batch init"):
            run_batch(tmp_path)

    def test_a_manifest_that_was_edited(self, archive, tmp_path):
        make_batch(archive, tmp_path)
        path = tmp_path / "manifest.json"
        path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
        with pytest.raises(SettingsError, match="changed after"):
            run_batch(tmp_path)


def test_status_reads_files_only(archive, tmp_path):
    make_batch(archive, tmp_path / "out")

    def mixed(job):
        if job.movie.endswith("movie_0.tif"):
            raise ValueError("a reason\nof two lines")
        return pretend(job)

    run_batch(tmp_path / "out", forked(mixed, shard=(1, 2)))
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    status = read_status(tmp_path / "out")
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert status.counts == {"done": 1, "running": 0, "waiting": 2, "failed": 1, "set aside": 0}
    values = json.loads(json.dumps(status.as_json()))
    assert "two lines" in values["movies"][0]["reason"]
    assert not status.is_settled
    assert read_manifest(tmp_path / "out").movies[0].id == values["movies"][0]["id"]


def wait_for(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def address_space_mb():
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") / 1e6
