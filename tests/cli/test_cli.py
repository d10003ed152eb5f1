"""The command line as a user meets it: answers, one-sentence errors, exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib import metadata

import numpy as np
import pytest
import tifffile

from umlpsd_gpu.simulate.movie import simulate_movie
from umlpsd_gpu.simulate.traces import simulate_traces

QUICK = ["--scales", "raw,W20", "--epochs", "10", "--k-max", "6"]


def umlpsd(*arguments, cwd=None):
    """Run the command in its own process, as a shell would."""
    command = [sys.executable, "-c", "from umlpsd_gpu.cli.main import main; main()"]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        check=False,
    )


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    path = tmp_path_factory.mktemp("movie") / "simulated.tif"
    return simulate_movie(path, n_emitters=12, n_rows=64, n_cols=64, n_frames=800, seed=2)


@pytest.fixture(scope="module")
def study(movie):
    folder = movie.path.parent / "study"
    done = umlpsd("run", movie.path, "--out", folder, *QUICK)
    assert done.returncode == 0, done.stderr
    return folder, done


def assert_one_sentence(done, exit_code, *says):
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr
    for words in says:
        assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


def assert_nothing_partial(folder):
    assert not folder.exists()
    assert not [name for name in os.listdir(folder.parent) if "partial" in name]


def test_run_writes_a_whole_study(study):
    folder, done = study
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "study.h5",
        "traces.csv",
        "summary.json",
        "settings.toml",
        "figures",
        "report.html",
    }
    assert "report.html" in done.stdout
    assert "K = " in done.stdout
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["dt_s"] == pytest.approx(0.03)
    assert summary["n_frames"] == 800


def test_settings_of_a_study_repeat_it(study, movie, tmp_path):
    folder, _ = study
    again = umlpsd(
        "run", movie.path, "--settings", folder / "settings.toml", "--out", tmp_path / "s"
    )
    assert again.returncode == 0, again.stderr
    digests = [
        json.loads((f / "summary.json").read_text())["digest"] for f in (folder, tmp_path / "s")
    ]
    assert digests[0] == digests[1]


def test_an_existing_study_is_replaced_only_when_asked(study, movie):
    folder, _ = study
    before = (folder / "summary.json").stat().st_mtime_ns
    refused = umlpsd("run", movie.path, "--out", folder, *QUICK)
    assert_one_sentence(refused, 2, "--overwrite")
    assert (folder / "summary.json").stat().st_mtime_ns == before
    replaced = umlpsd("run", movie.path, "--out", folder, "--overwrite", *QUICK)
    assert replaced.returncode == 0
    assert (folder / "summary.json").stat().st_mtime_ns > before


def test_a_table_of_traces_is_analysed(tmp_path):
    values = simulate_traces({"PEB": 6, "PBB": 6}, n_frames=800, seed=1).traces.values
    time_s = np.arange(800) * 0.03
    table = tmp_path / "traces.csv"
    np.savetxt(table, np.column_stack([time_s, values.T]), delimiter=",", fmt="%.6g")
    done = umlpsd("run", table, "--out", tmp_path / "study", *QUICK)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "study/summary.json").read_text())["n_traces"] == 12


def test_pixels_of_a_movie_are_analysed(movie, tmp_path):
    out = tmp_path / "study"
    done = umlpsd(
        "run", movie.path, "--traces", "pixels", "--threshold", "125", "--out", out, *QUICK
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "summary.json").read_text())["n_traces"] > 12


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["missing.tif"], 2, ["missing.tif"]),
        (["empty_folder"], 2, ["empty_folder"]),
        (["text.tif"], 2, ["text.tif"]),
        (["one_frame.tif", "--dt-s", "0.1"], 2, ["one frame", "--analysis curves"]),
        (["no_interval.tif"], 2, ["--dt-s"]),
        (["dark.tif", "--dt-s", "0.1"], 2, ["detection_snr", "brightest"]),
        (["dark.tif", "--dt-s", "-1"], 2, ["movie.dt_s", "greater than 0"]),
        (["dark.tif", "--traces", "pixels", "--threshold", "9999", "--dt-s", "1"], 2, ["9999"]),
        (["dark.tif", "--traces", "pixels", "--threshold", "-1"], 2, ["traces.threshold", "0.0"]),
        (["dark.tif", "--dt-s", "0.1", "--device", "gpu"], 3, ["'gpu' was"]),
        (["dark.tif", "--scales", "W0"], 2, ["W0"]),
        (["dark.tif", "--settings", "bad.toml"], 2, ["sweep.epochs"]),
        (["dark.tif", "two_traces.csv"], 2, ["mixed"]),
        (["two_traces.csv"], 2, ["at least 3"]),
        (["two_traces.csv", "./two_traces.csv"], 2, ["given twice"]),
        (["short.tif", "--dt-s", "0.1"], 2, ["--psd periodogram"]),
        (["dark.tif", "short.tif", "--dt-s", "0.1"], 2, ["--unequal-lengths crop"]),
        (
            ["dark.tif", "--dt-s", "1", "--f-min-hz", "2", "--f-max-hz", "1"],
            2,
            ["must be in rising order"],
        ),
        (["dark.tif", "--dt-s", "1", "--f-min-hz", "99"], 2, ["99", "widen"]),
    ],
)
def test_bad_input_gets_one_sentence(arguments, exit_code, says, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # there is no GPU, wherever this runs
    rng = np.random.default_rng(0)
    (tmp_path / "empty_folder").mkdir()
    (tmp_path / "text.tif").write_text("this is no movie")
    (tmp_path / "bad.toml").write_text("[sweep]\nepochs = 3\n")
    dark = rng.normal(100, 5, (400, 32, 32)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "dark.tif", dark)
    tifffile.imwrite(tmp_path / "no_interval.tif", dark)
    tifffile.imwrite(tmp_path / "one_frame.tif", dark[0])
    tifffile.imwrite(tmp_path / "short.tif", dark[:100])
    two = np.column_stack([np.arange(400) * 0.1, rng.random((400, 2))])
    np.savetxt(tmp_path / "two_traces.csv", two, delimiter=",")
    done = umlpsd("run", *arguments, "--out", "study", cwd=tmp_path)
    assert_one_sentence(done, exit_code, *says)
    assert_nothing_partial(tmp_path / "study")


def test_an_output_that_cannot_be_made_is_environment(movie, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = umlpsd("run", movie.path, "--out", tmp_path / "file" / "study", *QUICK)
    assert_one_sentence(done, 3, "file")


def test_check_names_a_truncated_movie(movie, tmp_path):
    whole = movie.path.read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: len(whole) // 2])
    done = umlpsd("check", movie.path, cut)
    assert done.returncode == 1
    assert "whole" in done.stdout
    assert "truncated" in done.stdout
    refused = umlpsd("run", cut, "--out", tmp_path / "study", *QUICK)
    assert_one_sentence(refused, 2, "truncated", "--allow-damaged")
    assert_nothing_partial(tmp_path / "study")


def test_demo_says_how_far_it_was_from_the_truth(tmp_path):
    done = umlpsd("demo", "--frames", "1000", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Compared with the truth:" in done.stdout
    assert (tmp_path / "umlpsd_demo/study/report.html").is_file()


def test_simulate_writes_movie_and_truth(tmp_path):
    done = umlpsd(
        "simulate", tmp_path / "m.ome.tif", "--frames", "50", "--size", "40x50", "--emitters", "3"
    )
    assert done.returncode == 0, done.stderr
    assert tifffile.imread(tmp_path / "m.ome.tif").shape == (50, 40, 50)
    assert (tmp_path / "m_truth.csv").read_text().count("\n") == 4
    assert umlpsd("simulate", tmp_path / "n.tif", "--size", "big").returncode == 2


def test_simulate_writes_a_map_of_curves_and_truth(tmp_path):
    scene = "simulate", "--scene", "curves", tmp_path / "c.npz"
    done = umlpsd(*scene, "--size", "10x12", "--points", "64", "--grains", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Curves: ")
    assert (tmp_path / "c_truth.csv").read_text().count("\n") == 121
    refused = umlpsd(*scene, "--frames", "50", "--overwrite")
    assert refused.returncode == 2
    assert "curves have none" in refused.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing(movie, tmp_path, number):
    command = [
        sys.executable,
        "-c",
        "from umlpsd_gpu.cli.main import main; print('up', flush=True); main()",
    ]
    run = subprocess.Popen(
        [*command, "run", movie.path, "--out", tmp_path / "study", "--epochs", "400"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    run.stdout.readline()
    time.sleep(1.5)
    run.send_signal(number)
    run.communicate(timeout=60)
    assert run.returncode not in (0, None)
    assert os.listdir(tmp_path) == []


def test_a_full_standard_output_does_not_cost_the_study(movie, tmp_path):
    command = [sys.executable, "-c", "from umlpsd_gpu.cli.main import main; main()"]
    with open("/dev/full", "w") as full:
        subprocess.run(
            [*command, "run", movie.path, "--out", tmp_path / "study", *QUICK],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (tmp_path / "study/report.html").is_file()


@pytest.mark.parametrize("arguments", [["info"], ["--help"], ["check", "MOVIE"], ["STUDY"]])
def test_a_reader_that_goes_away_ends_a_command_quietly(movie, tmp_path, arguments):
    out = tmp_path / "study"
    if arguments == ["STUDY"]:
        arguments = ["run", "MOVIE", "--out", str(out), *QUICK]
    arguments = [str(movie.path) if argument == "MOVIE" else argument for argument in arguments]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", "from umlpsd_gpu.cli.main import main; main()", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 128 + signal.SIGPIPE
    assert "Error" not in done.stderr
    assert "Exception" not in done.stderr
    # what was asked for is there all the same
    assert out.exists() == (arguments[0] == "run")


def test_a_failure_keeps_its_exit_code_when_nobody_reads(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    command = [
        sys.executable,
        "-c",
        "from umlpsd_gpu.cli.main import main; main()",
        "run",
        "none.tif",
    ]
    done = subprocess.run(
        [*command, "--out", tmp_path / "study"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.returncode == 2
    assert b"Exception" not in done.stderr


def test_info_and_help():
    assert umlpsd("--version").stdout.strip() == metadata.version("umlpsd_gpu")
    assert "Usage" in umlpsd().stdout
    info = umlpsd("info")
    assert info.returncode == 0
    assert "scikit-learn" in info.stdout
    assert "device auto" in info.stdout
    helped = umlpsd("run", "--help")
    assert "movie.dt_s" in helped.stdout
    assert umlpsd("run").returncode == 2


@pytest.mark.parametrize(("ignored", "exit_code"), [(False, 129), (True, 0)])
def test_a_hangup_ends_a_run_with_a_sentence_and_nohup_is_obeyed(tmp_path, ignored, exit_code):
    movie = tmp_path / "movie.tif"
    assert umlpsd("simulate", movie, "--frames", "4000", "--emitters", "8").returncode == 0
    main = "from umlpsd_gpu.cli.main import main; main()"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        run = subprocess.Popen(
            [sys.executable, "-c", main, "run", movie, "--out", tmp_path / "study", *QUICK],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGHUP, before)
    first_line = run.stderr.readline()  # by then it listens to signals
    run.send_signal(signal.SIGHUP)
    _, errors = run.communicate(timeout=120)
    assert run.returncode == exit_code, first_line + errors
    assert ("Stopped by SIGHUP" in errors) == (not ignored)
    assert (tmp_path / "study").exists() == ignored
