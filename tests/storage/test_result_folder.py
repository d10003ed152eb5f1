"""A study folder is whole or not there, and nothing but a study is ever replaced."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.studies import small_study
from umlpsd_gpu.analyses.blinking.result import Study
from umlpsd_gpu.analyses.saving import save_result
from umlpsd_gpu.errors import OutputError
from umlpsd_gpu.storage import result_folder as folder_module
from umlpsd_gpu.storage.result_folder import check_output


@pytest.fixture(scope="module")
def study() -> Study:
    return small_study()


class TestWholeOrNotThere:
    def test_failing_extras_leave_nothing(self, place: Path, study: Study) -> None:
        def fail(partial: Path) -> None:
            assert (partial / "study.h5").is_file()
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            save_result(study, place / "a", extras=fail)
        assert list(place.iterdir()) == []

    def test_failing_extras_keep_the_old_study(self, place: Path, study: Study) -> None:
        study.save(place / "a")
        before = {path.name: path.read_bytes() for path in (place / "a").iterdir()}

        def fail(partial: Path) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            save_result(small_study(seed=1), place / "a", overwrite=True, extras=fail)
        assert {path.name: path.read_bytes() for path in (place / "a").iterdir()} == before
        assert [path.name for path in place.iterdir()] == ["a"]

    @pytest.mark.parametrize("exchange", [True, False])
    def test_overwrite_replaces(
        self, place: Path, study: Study, exchange: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if not exchange:
            monkeypatch.setattr(folder_module, "_exchange", lambda first, second: False)
        save_result(study, place / "a", extras=lambda partial: (partial / "old").write_text(""))
        save_result(small_study(seed=1), place / "a", overwrite=True)
        assert Study.load(place / "a").settings.sweep.seed == 1
        assert not (place / "a/old").exists()
        assert [path.name for path in place.iterdir()] == ["a"]

    def test_failing_rename_brings_the_old_study_back(
        self, place: Path, study: Study, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        study.save(place / "a")
        rename = Path.rename

        def fail_for_the_new(self: Path, target: Path) -> Path:
            if ".partial-" in self.name:
                raise OSError(errno.EIO, "Input/output error")
            return rename(self, target)

        monkeypatch.setattr(folder_module, "_exchange", lambda first, second: False)
        monkeypatch.setattr(Path, "rename", fail_for_the_new)
        with pytest.raises(OutputError, match="Input/output error"):
            small_study(seed=1).save(place / "a", overwrite=True)
        assert Study.load(place / "a").settings.sweep.seed == 0
        assert [path.name for path in place.iterdir()] == ["a"]

    def test_every_file_and_folder_is_synced(
        self, place: Path, study: Study, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced = []

        def note(descriptor: int) -> None:
            synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)

        if not Path("/proc/self/fd").is_dir():
            pytest.skip("this system has no /proc to name an open file")
        monkeypatch.setattr(os, "fsync", note)

        def add_figure(partial: Path) -> None:
            (partial / "figures").mkdir()
            (partial / "figures/a.png").write_bytes(b"png")

        save_result(study, place / "a", extras=add_figure)
        files = {"a.png", "figures", "settings.toml", "study.h5", "summary.json", "traces.csv"}
        assert files < set(synced)
        assert synced[-1] == "place"

    def test_full_disk_at_sync(
        self, place: Path, study: Study, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="No space left on device"):
            study.save(place / "a")
        assert list(place.iterdir()) == []

    @pytest.mark.parametrize("room", [1_000, 60_000, 300_000, 690_000])
    def test_full_disk_while_writing(self, place: Path, room: int) -> None:
        """A process that may write ``room`` bytes a file: HDF5's data or its metadata don't fit."""
        script = (
            "import resource, sys\n"
            "from tests.support.studies import make_study, small_study\n"
            "from umlpsd_gpu.errors import OutputError\n"
            "study = make_study(n_traces=23, n_frames=160, k_max=5)\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, resource.RLIM_INFINITY))\n"
            "try:\n"
            "    study.save(sys.argv[1])\n"
            "except OutputError as error:\n"
            "    print(error)\n"
            "    sys.exit(3)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(place / "a")],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        assert (done.returncode, done.stderr) == (3, "")
        assert "File too large" in done.stdout
        assert list(place.iterdir()) == []


class TestRefusals:
    def test_study_that_is_there(self, place: Path, study: Study) -> None:
        study.save(place / "a")
        with pytest.raises(OutputError, match=r"a already holds a study.*--overwrite"):
            study.save(place / "a")
        with pytest.raises(OutputError, match="already holds a study"):
            check_output(place / "a")
        assert check_output(place / "a", overwrite=True) == (place / "a").resolve()

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_foreign_folder(self, place: Path, study: Study, overwrite: bool) -> None:
        (place / "thesis.tex").write_text("years of work")
        with pytest.raises(OutputError, match="holds files but no study"):
            study.save(place, overwrite=overwrite)
        assert (place / "thesis.tex").read_text() == "years of work"

    def test_foreign_file_inside_a_study(self, place: Path, study: Study) -> None:
        study.save(place / "a")
        (place / "a/notes.txt").write_text("by hand")
        with pytest.raises(OutputError, match=r"also notes\.txt"):
            study.save(place / "a", overwrite=True)
        assert (place / "a/notes.txt").read_text() == "by hand"

    def test_file_in_the_way(self, place: Path, study: Study) -> None:
        (place / "a").write_text("")
        with pytest.raises(OutputError, match="is a file"):
            study.save(place / "a", overwrite=True)
        with pytest.raises(OutputError, match="is no folder you may write to"):
            study.save(place / "a" / "b")

    def test_folder_you_are_in(
        self, place: Path, study: Study, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(place)
        with pytest.raises(OutputError, match="the folder you are in"):
            study.save(".")

    def test_read_only_place(
        self, place: Path, study: Study, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        with pytest.raises(OutputError, match="can't be written"):
            check_output(place / "new" / "a")

    def test_empty_and_missing_folders_are_fine(self, place: Path, study: Study) -> None:
        (place / "empty").mkdir()
        assert Study.load(study.save(place / "empty")).decision.k_opt == 3
        assert Study.load(study.save(place / "new" / "deep")).decision.k_opt == 3

    def test_link_to_an_empty_folder(self, place: Path, study: Study) -> None:
        (place / "real").mkdir()
        (place / "link").symlink_to(place / "real")
        assert study.save(place / "link") == (place / "real").resolve()
        assert (place / "link/study.h5").is_file()


def test_what_another_name_mends_is_usage_and_what_the_machine_lacks_is_environment(tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("in the way")
    for folder in (taken, tmp_path / "file"):
        with pytest.raises(OutputError) as told:
            check_output(folder)
        assert told.value.exit_code == 2
    with pytest.raises(OutputError) as told:
        check_output(tmp_path / "file" / "below")
    assert told.value.exit_code == 3
