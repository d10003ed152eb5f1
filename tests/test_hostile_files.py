"""Each hostile file gets its verdict, soon, in little memory, and in silence."""

import re
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.support.hostile_files.every_file import CASES
from tests.support.hostile_files.sandbox import run_jobs
from tests.support.hostile_files.seeds import TIFF_OPTIONS, write_seeds
from umlpsd_gpu.movie.open import open_movie

LONGEST_S, MOST_MB = 10, 512
NAMES = [f"{case.importer}: {case.name}" for case in CASES]


@pytest.fixture(scope="module")
def outcomes():
    """What became of each file, and its path, by its name; all are read in one other process."""
    folder = Path(tempfile.mkdtemp())
    paths = []
    for number, case in enumerate(CASES):
        (folder / str(number)).mkdir()
        paths.append(case.write(folder / str(number)))
    found = run_jobs(lambda i: CASES[i].reader(paths[i]), len(CASES), LONGEST_S)
    yield dict(zip(NAMES, zip(found, paths, strict=True), strict=True))
    shutil.rmtree(folder)


def test_there_are_many_of_every_importer():
    assert len(set(NAMES)) == len(NAMES) > 200
    counts = {case.importer: sum(c.importer == case.importer for c in CASES) for case in CASES}
    assert min(counts.values()) >= 15, counts


@pytest.mark.parametrize(("name", "case"), list(zip(NAMES, CASES, strict=True)), ids=NAMES)
def test_a_hostile_file_gets_its_verdict(name, case, outcomes):
    outcome, path = outcomes[name]
    if case.refused:
        assert outcome.kind == "refused", outcome
        assert path.name in outcome.value
        assert re.search(case.refused, outcome.value), outcome.value
    else:
        assert outcome.kind == "opened", outcome
        assert outcome.value == case.opens
    assert outcome.seconds < LONGEST_S
    assert outcome.peak_mb < MOST_MB
    assert outcome.noise == ""


def test_a_sandbox_tells_hangs_crashes_and_errors():
    jobs = [
        "1 + 1",
        "while True: pass",
        "import os; os.kill(os.getpid(), 9)",
        "1 / 0",
        "x = bytearray(2**28)",
    ]

    def job(number):
        exec(jobs[number], {})
        return number

    kinds = {o.number: o for o in run_jobs(job, len(jobs), limit_s=0.5)}
    assert [kinds[i].kind for i in range(5)] == ["opened", "hang", "crash", "error", "opened"]
    assert "ZeroDivisionError" in kinds[3].value
    assert kinds[4].peak_mb > 200


def test_an_unreadable_file(tmp_path, monkeypatch):
    path = write_seeds("TIFF", tmp_path)[len(TIFF_OPTIONS)]
    real = open

    def refuse(name, *args, **options):
        if str(name).endswith("pages.tif"):
            raise PermissionError(13, "Permission denied", str(name))
        return real(name, *args, **options)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(Exception, match=r"pages\.tif: the file can't be opened: Permission"):
        open_movie(path)
