"""``umlpsd check`` of tables, folders and patterns."""

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from tests.support.tables import cells, telegraph_counts, write
from umlpsd_gpu.cli.main import app


def check(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path):
    for i in (1, 2):
        write(tmp_path / f"dots_{i}.csv", cells(values=telegraph_counts(seed=i)))
    return tmp_path


def test_one_table_is_described(folder):
    done = check(folder / "dots_1.csv")
    assert done.exit_code == 0, done.output
    assert "12 of 400 frames" in done.output
    assert "0.05 s" in done.output


def test_a_line_for_each_of_many(folder):
    for names in (
        [folder],
        [f"{folder}/dots_*.csv"],
        [folder / "dots_1.csv", folder / "dots_2.csv"],
    ):
        done = check(*names)
        assert done.exit_code == 0, done.output
        lines = [line for line in done.output.splitlines() if line.startswith("whole")]
        assert len(lines) == 2
        assert all("12 of 400 frames; interval: 0.05 s" in line for line in lines)


def test_a_damaged_one_is_told(folder):
    rows = cells()
    write(folder / "cut.csv", [*rows[:-1], rows[-1][:5]])
    done = check(folder)
    assert done.exit_code == 1
    assert "row 401, the last one, is cut off after 5 of 13 cells" in done.output


def test_notes_are_told(folder):
    values = telegraph_counts()
    values[5] = values[3]
    write(folder / "twice.csv", cells(values=values))
    done = check(folder)
    assert "1 of 12 clustered traces equal another one" in done.output
    assert "twice.csv:QD4 and twice.csv:QD6" in done.output


def test_movies_of_a_folder(tmp_path):
    frames = np.random.default_rng(0).integers(90, 110, (30, 16, 16)).astype(np.uint16)
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / name, frames, imagej=True, metadata={"axes": "TYX"})
    done = check(tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.count("30 of 16 × 16 pixels") == 2
    (tmp_path / "gone.tif").symlink_to(tmp_path / "nowhere.tif")
    done = check(tmp_path)
    assert done.exit_code == 1
    assert done.output.count("whole") == 2
    assert "unreadable" in done.output


def test_a_folder_of_single_frames_is_one_movie(tmp_path):
    for i in range(4):
        tifffile.imwrite(tmp_path / f"frame_{i}.tif", np.full((8, 8), i, np.uint16))
    for name in (tmp_path, f"{tmp_path}/frame_*.tif"):
        done = check(name, "--dt-s", "0.1")
        assert done.exit_code == 0, done.output
        assert "4 of 8 × 8 pixels" in done.output


def test_nothing_there(tmp_path):
    assert check(tmp_path).exit_code == 1
    assert check(tmp_path / "none.csv").exit_code == 1
    assert check(f"{tmp_path}/*.csv").exit_code == 1
