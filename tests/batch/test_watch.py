"""Watching a folder: which movies are complete, what is recorded, what is analysed, how it ends."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tifffile

from tests.support.batches import (
    QUICK,
    assert_all_visible_is_whole,
    commits_of,
    forked,
    make_batch,
    studies_of,
    write_movie,
)
from tests.support.tables import cells, write
from umlpsd_gpu.batch.folder import BatchFolder
from umlpsd_gpu.batch.manifest import init_batch, read_base_manifest, read_manifest
from umlpsd_gpu.batch.options import RunOptions
from umlpsd_gpu.batch.runner import run_batch
from umlpsd_gpu.batch.stable_files import StableFiles
from umlpsd_gpu.batch.status import read_status
from umlpsd_gpu.batch.watch import WatchOptions, watch
from umlpsd_gpu.errors import OutputError, SettingsError

SOON = WatchOptions(settle_s=0.3, poll_s=0.1, idle_s=0.8)


@pytest.fixture
def strip(tmp_path):
    """A folder, and looks at it with a clock that only tests move."""
    folder = tmp_path / "microscope"
    folder.mkdir()
    watched = StableFiles(folder, BatchFolder.at(folder / "out"), QUICK, settle_s=10.0)
    watched.clock = lambda: watched.now
    watched.now = 0.0
    return watched


def names_at(strip, now):
    strip.now = now
    return [movie.path.relative_to(strip.root).as_posix() for movie in strip.find_newly_stable()]


class TestStableFiles:
    def test_a_movie_is_stable_when_nothing_changes_any_more(self, strip):
        write_movie(strip.root / "a" / "1.tif")
        assert names_at(strip, 0) == []
        assert names_at(strip, 9.9) == []
        with (strip.root / "a" / "1.tif").open("ab") as file:
            file.write(b"more")
        assert names_at(strip, 12) == []
        assert names_at(strip, 21.9) == []
        assert names_at(strip, 22) == ["a/1.tif"]
        assert names_at(strip, 100) == []

    def test_another_movie_that_is_being_written_does_not_matter(self, strip):
        write_movie(strip.root / "done.tif")
        names_at(strip, 0)
        write_movie(strip.root / "begun.tif")
        assert names_at(strip, 10) == ["done.tif"]
        assert names_at(strip, 20) == ["begun.tif"]

    def test_tables_are_watched_where_there_is_no_movie(self, strip):
        write(strip.root / "dots.csv", cells())
        (strip.root / "README.txt").write_text("How this was measured.\n")
        (strip.root / "broken.csv").write_text("words, no numbers\n")
        assert names_at(strip, 0) == []
        assert names_at(strip, 10) == ["broken.csv", "dots.csv"]
        assert names_at(strip, 30) == []
        write(strip.root / "more.csv", cells())
        names_at(strip, 40)
        write_movie(strip.root / "movie.tif")
        names_at(strip, 45)
        assert names_at(strip, 60) == ["movie.tif"]

    def test_a_movie_that_changes_later_is_found_again(self, strip):
        write_movie(strip.root / "1.tif")
        names_at(strip, 0)
        assert names_at(strip, 10) == ["1.tif"]
        write_movie(strip.root / "1.tif", seed=5, n_frames=410)
        assert names_at(strip, 11) == []
        assert names_at(strip, 21) == ["1.tif"]

    def test_a_folder_of_frames_is_one_movie_after_its_last_frame(self, strip):
        frame = np.ones((8, 8), np.uint16)
        (strip.root / "run").mkdir()
        for i in range(3):
            tifffile.imwrite(strip.root / "run" / f"f{i}.tif", frame)
            assert names_at(strip, 8 * i) == []
        assert names_at(strip, 25) == []  # the last frame came 9 s ago
        assert names_at(strip, 26) == ["run"]
        assert names_at(strip, 99) == []
        tifffile.imwrite(strip.root / "run" / "f3.tif", frame)
        assert names_at(strip, 100) == []
        assert names_at(strip, 110) == ["run"]

    def test_results_hidden_files_links_and_other_files_are_not_looked_at(self, strip, tmp_path):
        out = strip.root / "out" / "results"
        for path in (
            out / "map.tif",
            strip.root / ".partial.tif",
            strip.root / ".trash" / "a.tif",
            tmp_path / "elsewhere" / "a.tif",
        ):
            write_movie(path)
        (strip.root / "notes.txt").write_text("none")
        (strip.root / "link.tif").symlink_to(tmp_path / "elsewhere" / "a.tif")
        (strip.root / "linked").symlink_to(tmp_path / "elsewhere")
        assert names_at(strip, 0) == names_at(strip, 50) == []

    def test_a_single_image_is_looked_at_once(self, strip):
        tifffile.imwrite(strip.root / "snap.tif", np.ones((8, 8), np.uint16))
        assert names_at(strip, 0) == names_at(strip, 10) == []
        assert strip.root / "snap.tif" in strip.looked_at

    def test_a_file_that_goes_is_forgotten(self, strip):
        path = write_movie(strip.root / "1.tif")
        names_at(strip, 0)
        path.unlink()
        assert names_at(strip, 10) == []
        assert strip.seen == {}


class TestWatch:
    def test_movies_are_analysed_when_they_are_complete(self, tmp_path):
        """One exists, one is written slowly, one is cut, one is written again."""
        folder, out = tmp_path / "microscope", tmp_path / "out"
        write_movie(folder / "first.tif")
        whole = write_movie(tmp_path / "second.tif", seed=1).read_bytes()
        (folder / "cut.tif").write_bytes(whole[: len(whole) // 2])

        def write_slowly():
            for i in range(5):
                with (folder / "second.tif").open("ab") as file:
                    file.write(whole[i * len(whole) // 5 : (i + 1) * len(whole) // 5])
                time.sleep(0.15)

        writer, told = threading.Thread(target=write_slowly), []
        writer.start()
        report = watch(
            folder,
            out,
            QUICK,
            figures=False,
            options=RunOptions(n_workers=1),
            how=SOON,
            tell=lambda event, entry, text: told.append((event, entry.name)),
        )
        writer.join()
        assert sorted(report.done) == ["first.tif", "second.tif"]
        assert (report.n_movies, report.n_made, report.exit_code) == (2, 2, 0)
        assert ("incomplete", "cut.tif") in told
        assert read_base_manifest(out).movies == ()
        assert {entry.name for entry in read_manifest(out).movies} == {"first.tif", "second.tif"}
        assert read_status(out).counts["done"] == 2

        before = read_base_manifest(out).digest
        write_movie(folder / "first.tif", seed=7)
        (folder / "cut.tif").write_bytes(whole)
        again = watch(folder, out, QUICK, False, RunOptions(n_workers=1), SOON)
        assert (again.n_made, len(again.done)) == (2, 3)
        assert read_base_manifest(out).digest == before
        assert assert_all_visible_is_whole(out) == 3
        self.assert_same_as_a_batch(folder, out, tmp_path / "batch")

    def assert_same_as_a_batch(self, folder, out, other):
        make_batch(folder, other)
        run_batch(other, RunOptions(n_workers=1))
        assert studies_of(out) == studies_of(other)

    def test_a_failure_is_told_and_tried_once(self, tmp_path):
        folder, out = tmp_path / "microscope", tmp_path / "out"
        write_movie(folder / "a.tif")

        def fails(job):
            raise ValueError("no emitters today")

        report = watch(folder, out, QUICK, False, forked(fails), SOON)
        assert report.exit_code == 1
        assert "no emitters today" in report.failed["a.tif"].attempts[-1].reason
        assert len(report.failed["a.tif"].attempts) == 1
        # another watch tries again
        again = watch(folder, out, QUICK, False, forked(), SOON)
        assert (again.exit_code, again.n_made, again.failed) == (0, 1, {})

    def test_a_signal_ends_it_and_the_next_goes_on(self, tmp_path):
        folder, out = tmp_path / "microscope", tmp_path / "out"
        write_movie(folder / "a.tif")
        settings = tmp_path / "quick.toml"
        settings.write_text(QUICK.to_toml())
        command = [sys.executable, "-c", "from umlpsd_gpu.cli.main import main; main()"]
        process = subprocess.Popen(
            [
                *(*command, "watch", str(folder), str(out), "--settings", str(settings)),
                *("--settle-s", "0.2", "--poll-s", "3", "--no-figures", "--workers", "1"),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in process.stdout:
            if line.startswith("done: a.tif"):
                break
        time.sleep(0.3)  # it waits for the next
        process.send_signal(signal.SIGINT)
        words = process.communicate(timeout=60)[0]
        assert process.returncode == 128 + signal.SIGINT
        assert "1 of 1 done" in words
        write_movie(folder / "b.tif", seed=1)
        report = watch(folder, out, QUICK, False, forked(), SOON)
        assert (report.n_made, len(report.done)) == (1, 2)

    def test_a_movie_that_is_only_touched_is_noted_and_not_made_again(self, tmp_path):
        folder, out = tmp_path / "microscope", tmp_path / "out"
        write_movie(folder / "a.tif")
        assert watch(folder, out, QUICK, False, forked(), SOON).n_made == 1
        os.utime(folder / "a.tif", (2e9, 2e9))
        report = watch(folder, out, QUICK, False, forked(), SOON)
        assert (report.n_made, len(report.done)) == (0, 1)
        (entry,) = read_manifest(out).movies
        assert entry.written == 2e9

    def test_two_watches_of_one_folder_share_the_work(self, tmp_path):
        folder, out = tmp_path / "microscope", tmp_path / "out"
        for i in range(4):
            write_movie(folder / f"{i}.tif", seed=i)
        children = [os.fork() for _ in range(2)]
        if 0 in children:
            code = 70
            try:
                code = watch(folder, out, QUICK, False, forked(), SOON).exit_code
            finally:
                os._exit(code)
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        assert codes == [0, 0]
        assert set(commits_of(out).values()) == {1}
        assert len(read_manifest(out).movies) == 4


class TestWhatIsWritten:
    @pytest.fixture
    def watched(self, tmp_path):
        folder, out = tmp_path / "microscope", tmp_path / "out"
        for i in range(2):
            write_movie(folder / f"{i}.tif", seed=i)
        watch(folder, out, QUICK, False, forked(), SOON)
        return folder, out

    def test_an_addition_that_was_changed_does_not_count(self, watched):
        _, out = watched
        first, _ = sorted((out / "arrivals").iterdir())
        values = json.loads(first.read_text())
        values["entry"]["name"] = "../../secret.tif"
        first.write_text(json.dumps(values))
        assert len(read_manifest(out).movies) == 1

    def test_another_manifest_leaves_additions_behind(self, watched):
        folder, out = watched
        shutil.copy(folder / "0.tif", folder / "2.tif")
        init_batch(str(folder), out, QUICK.with_values({"sweep.seed": 5}), False, update=True)
        assert len(read_manifest(out).movies) == len(read_base_manifest(out).movies) == 3

    def test_a_batch_over_the_same_folder_can_be_watched(self, tmp_path):
        folder, out = tmp_path / "microscope", tmp_path / "out"
        write_movie(folder / "0.tif")
        make_batch(folder, out)
        write_movie(folder / "1.tif", seed=1)
        report = watch(folder, out, QUICK, False, forked(), SOON)
        assert len(report.done) == 2
        assert len(read_base_manifest(out).movies) == 1

    def test_other_settings_or_folders_are_refused(self, watched, tmp_path):
        folder, out = watched
        with pytest.raises(SettingsError, match="a batch with other settings"):
            watch(folder, out, QUICK.with_values({"sweep.seed": 1}), False)
        with pytest.raises(SettingsError, match="a batch with another choice of figures"):
            watch(folder, out, QUICK)
        with pytest.raises(SettingsError, match="a batch of another folder"):
            watch(tmp_path, out, QUICK, False)
        with pytest.raises(SettingsError, match="is no folder"):
            watch(folder / "0.tif", out, QUICK)

    @pytest.mark.parametrize("name", ["settle_s", "poll_s", "idle_s"])
    @pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf, 1e9])
    def test_times_that_make_no_sense_are_refused(self, name, seconds):
        with pytest.raises(SettingsError, match="above 0 s"):
            WatchOptions(**{name: seconds})

    def test_a_link_in_place_of_additions_is_refused(self, watched, tmp_path):
        _, out = watched
        shutil.rmtree(out / "arrivals")
        (out / "arrivals").symlink_to(tmp_path)
        with pytest.raises(OutputError, match="symbolic link"):
            read_manifest(out)
