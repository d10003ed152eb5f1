"""The numbers beside a figure are those that were plotted."""

import csv

import numpy as np
import pytest
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure

from umlpsd_gpu.plotting.figure_data import write_figure_data


@pytest.fixture
def figure():
    figure = Figure()
    first, second = figure.subplots(1, 2)
    first.set_title("Left", loc="left")
    first.set_xlabel("Time (s)")
    first.plot([0, 1, 2], [3.0, np.nan, 5.0], color="#0072B2", label="_Cluster 1")
    first.plot([7], [8], "o")
    first.scatter([1, 2], [3, 4], c=[0.25, 0.75], label="values")
    first.add_collection(
        EllipseCollection(
            [2, 2, 2],
            [2, 2, 2],
            [0, 0, 0],
            offsets=[[1, 1], [2, 2], [3, 3]],
            offset_transform=first.transData,
            facecolors="none",
            edgecolors=["#ff0000", "#0000ff", "#ff0000"],
        )
    )
    first.axvline(2)
    second.hist(
        [[1, 1, 2], [2]],
        bins=[0.5, 1.5, 2.5],
        stacked=True,
        orientation="horizontal",
        label=["_a", "_b"],
    )
    second.bar([10, 20], [5, 6], label="upright")
    second.fill_between([0, 1], [0, 0], [1, 1], label="band")
    second.imshow(np.array([[1.0, np.nan, 3.0], [4, 5, 6]]), extent=(0, 6, 20, 0))
    return figure


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def part(rows, kind, series):
    found = [row for row in rows if row["kind"] == kind and row["series"] == series]
    return [(float(row["x"]), float(row["y"] or "nan")) for row in found]


def test_lines_points_bars_and_bands(figure, tmp_path):
    write_figure_data(figure, tmp_path, "a")
    rows = rows_of(tmp_path / "a.csv")
    np.testing.assert_array_equal(part(rows, "line", "Cluster 1"), [(0, 3), (1, np.nan), (2, 5)])
    line = rows[0]
    assert (line["panel"], line["title"], line["x_axis"]) == ("1", "Left", "Time (s)")
    assert line["colour"] == "#0072b2"
    assert [row["value"] for row in rows if row["series"] == "values"] == ["0.25", "0.75"]
    reds = [row for row in rows if row["colour"] == "#ff0000"]
    assert [row["x"] for row in reds] == ["1.0", "3.0"]
    assert (7.0, 8.0) in part(rows, "points", "")
    assert part(rows, "bars", "a") == [(2, 1), (1, 2)]
    assert part(rows, "bars", "b") == [(0, 1), (1, 2)]
    assert part(rows, "bars", "upright") == [(10, 5), (20, 6)]
    assert len(part(rows, "area", "band")) >= 4
    assert not [row for row in rows if row["kind"] == "line" and row["x"] == "2.0"][1:], "axvline"


def test_images_are_matrices_with_their_axes(figure, tmp_path):
    write_figure_data(figure, tmp_path, "a")
    with (tmp_path / "a_panel2_image1.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["y \\ x", "1.0", "3.0", "5.0"],
        ["5.0", "1.0", "", "3.0"],
        ["15.0", "4.0", "5.0", "6.0"],
    ]
