"""The batch commands as a user meets them."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.support.batches import make_archive, studies_of

COMMAND = [sys.executable, "-c", "from umlpsd_gpu.cli.main import main; main()", "batch"]
QUICK = ["--scales", "W10", "--k-max", "3", "--epochs", "3", "--dt-s", "0.03"]
QUICK += ["--device", "cpu", "--no-figures"]


def batch(*arguments):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    archive = make_archive(tmp_path_factory.mktemp("cli") / "archive", 3)
    (archive / "broken\nmovie.tif").write_text("no movie")
    return archive


@pytest.fixture(scope="module")
def ran(archive):
    out = archive.parent / "out"
    done = batch("init", archive, out, *QUICK)
    assert done.returncode == 0, done.stderr
    assert "4 movies" in done.stdout
    assert "1 can't be analysed" in done.stdout
    return out, batch("run", out, "--workers", "2")


def test_run_exits_with_1_if_movies_failed(ran):
    out, done = ran
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "3 of 4 done (3 now), 1 failed" in done.stdout
    assert "broken\\nmovie.tif" in done.stdout
    assert len(os.listdir(out / "results")) == 3


def test_status(ran):
    out, _ = ran
    shown = batch("status", out)
    assert shown.returncode == 0
    assert "failed" in shown.stdout
    found = json.loads(batch("status", out, "--json").stdout)
    assert found["counts"] == {"done": 3, "running": 0, "waiting": 0, "failed": 1, "set aside": 0}
    assert batch("status", out, "--watch").returncode == 0


def test_a_study_of_a_batch_is_like_any_other(ran):
    from umlpsd_gpu.analyses.blinking.result import Study

    out, _ = ran
    for result in (out / "results").iterdir():
        assert Study.load(result / "study").settings.preprocess.scales == ("W10",)


def test_init_again_with_other_settings_needs_update(ran, archive):
    out, _ = ran
    assert batch("init", archive, out, *QUICK).returncode == 0
    refused = batch("init", archive, out, *QUICK, "--seed", "1")
    assert refused.returncode == 2
    assert "--update" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", "missing"], 2, "batch init"),
        (["status", "missing"], 2, "batch init"),
        (["init", "missing", "out"], 2, "there is no file or folder"),
        (["run", "OUT", "--shard", "0/2"], 2, "1/4"),
        (["run", "OUT", "--shard", "half"], 2, "1/4"),
        (["run", "OUT", "--workers", "0"], 2, "1 or more"),
        (["run", "OUT", "--device", "gpu"], 3, "'gpu' was"),
    ],
)
def test_bad_input_gets_one_sentence(ran, arguments, code, says, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    done = batch(*(str(ran[0]) if argument == "OUT" else argument for argument in arguments))
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_signal_stops_the_command_and_a_rerun_goes_on(ran, archive, tmp_path):
    out = tmp_path / "out"
    batch("init", archive, out, *QUICK)
    run = subprocess.Popen([*COMMAND, "run", str(out), "--workers", "1"], stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not os.path.isdir(out / "journal") or not os.listdir(out / "work"):
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGUSR1)
    run.communicate(timeout=60)
    assert run.returncode == 128 + signal.SIGUSR1
    assert os.listdir(out / "work") == []
    assert batch("run", out).returncode == 1
    assert studies_of(out) == studies_of(ran[0])
