"""Text tables as programs export them: the right traces, or a refusal in one sentence."""

import numpy as np
import pytest

from tests.support.tables import DT_S, NAMES, TIME_S, VALUES, cells, write, write_cell
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.tables import read_traces

PLAIN = cells()
COMMA = [[cell.replace(".", ",") for cell in row] for row in PLAIN]
PAIRS = list(zip(TIME_S, VALUES[0], strict=True))
PREAMBLE = "Instrument: EMCCD 7\nOperator: NN\nExposure (s): 0.05\n\n"


def assert_right(found, values=VALUES, dt_s=DT_S):
    assert found.dt_s == pytest.approx(dt_s)
    assert np.array_equal(found.values, values)


READ = {
    "plain": (PLAIN, ",", "", ""),
    "semicolon": (PLAIN, ";", "", ""),
    "german": (COMMA, ";", "", ""),
    "german with tabs": (COMMA, "\t", "", ""),
    "quoted decimal commas": ([[f'"{c}"' for c in row] for row in COMMA], ",", "", ""),
    "units row": ([PLAIN[0], ["s"] + ["counts"] * 12, *PLAIN[1:]], ",", "", ""),
    "unit of the time only": (
        [["Time", *NAMES], ["s"] + [""] * 12, *PLAIN[1:]],
        ",",
        "",
        "",
    ),
    "rows of Origin": (
        [["Time", *NAMES], ["s"] + ["counts"] * 12, [""] + ["dot"] * 12, *PLAIN[1:]],
        ",",
        "",
        "",
    ),
    "labelled rows of Origin": (
        [["Long Name", *NAMES], ["Units"] + ["a.u."] * 12, ["Comments"] + ["x"] * 12, *PLAIN[1:]],
        ",",
        "",
        "",
    ),
    "preamble": (PLAIN, ",", PREAMBLE, ""),
    "preamble of comments without the separator": (PLAIN, ";", "# EMCCD 7, gain 300\n# b\n", ""),
    "commented heading": (PLAIN, ",", "# ", ""),
    "separator hint": (PLAIN, ";", "sep=;\n", ""),
    "separator at the end": ([[*row, ""] for row in PLAIN], ";", "", ""),
    "empty rows at the end": (PLAIN, ";", "", ";" * 12 + "\n" + ";" * 12 + "\n"),
    "footer": (PLAIN, ",", "", "Mean" + ",100.1" * 12 + "\nSD" + ",9" * 12 + "\n"),
    "footer after an empty row": (PLAIN, ",", "", "\nexported by NN, version 3\n"),
    "line break in a name": (write_cell(PLAIN, 0, 0, '"Time\n(s)"'), ",", "", ""),
    "hash in names": (cells(names=[f"Dot #{i}" for i in range(12)]), ",", "", ""),
    "blank in the heading": (PLAIN, " ", "", ""),
    "blanks in all names": (cells(names=[f"QD {i}" for i in range(12)]), " ", "", ""),
    "bars": (PLAIN, "|", "", ""),
    "pandas": ([[str(i - 1) if i else "", *row] for i, row in enumerate(PLAIN)], ",", "", ""),
    "frame before time": (
        [[str(i) if i else "frame", *row] for i, row in enumerate(PLAIN)],
        "\t",
        "",
        "",
    ),
    "frame after time": (
        [[row[0], str(i) if i else "frame", *row[1:]] for i, row in enumerate(PLAIN)],
        "\t",
        "",
        "",
    ),
    "a time before every trace": (
        [[part for cell in row[1:] for part in (row[0], cell)] for row in PLAIN],
        ",",
        "",
        "",
    ),
    "time last": ([[*row[1:], row[0]] for row in PLAIN], ",", "", ""),
}


@pytest.mark.parametrize("name", READ)
def test_exports_are_read(name, tmp_path):
    rows, separator, above, below = READ[name]
    assert_right(read_traces(write(tmp_path / "t.txt", rows, separator, above, below)))


@pytest.mark.parametrize(
    ("heading", "factor"),
    [
        *[("Time (ms)", 1e-3), ("Zeit [ms]", 1e-3), ("Elapsed time (millisec)", 1e-3)],
        *[("t_msecs", 1e-3), ("time (µsec)", 1e-6), ("Time [microseconds]", 1e-6)],
        *[("Time (ns)", 1e-9), ("Time (nsec)", 1e-9), ("Time (h)", 3600), ("Time (hr)", 3600)],
        *[("time in min", 60), ('"Time, s"', 1), ("Timestamp (ms)", 1e-3), ("time_axis", 1)],
        *[("t/s", 1), ("Time (since start) [ms]", 1e-3), ("ms", 1e-3), ("X", 1)],
    ],
)
def test_units_of_time(heading, factor, tmp_path):
    path = write(tmp_path / "t.csv", cells(heading=heading))
    assert_right(read_traces(path), dt_s=DT_S * factor)


@pytest.mark.parametrize(
    "heading",
    ["Time (a.u.)", "Time (frames)", "time/frame", "T [K]", "Time (x 50 ms)", "time_bins_10ms2"],
)
def test_unknown_units_are_asked_for(heading, tmp_path):
    path = write(tmp_path / "t.csv", cells(heading=heading))
    with pytest.raises(TracesError, match="--dt-s"):
        read_traces(path)
    assert_right(read_traces(path, dt_s=0.2), dt_s=0.2)


REFUSED = {
    "long table": (
        [["y", "x", "mass", "frame", "particle"]]
        + [["1.5", "2.5", str(VALUES[p, f]), str(f), str(p)] for f in range(40) for p in range(3)],
        "one row for each 'particle' and 'frame'",
    ),
    "tidy table": (
        [["time_s", "id", "counts"]]
        + [[f"{f / 20}", f"QD{p}", str(VALUES[p, f])] for p in range(3) for f in range(40)],
        "one row for each 'id' and 'time_s'",
    ),
    "different times": (
        [["Time (s)", "a", "Time (s)", "b"]]
        + [
            [f"{t:.2f}", "1", f"{t + 0.01:.2f}", str(v)]
            for t, v in zip(TIME_S, VALUES[0], strict=True)
        ],
        "columns 1 .* and 3 .* are both times",
    ),
    "two units in two rows": (
        [PLAIN[0], ["ms"] + [""] * 12, *PLAIN[1:]],
        "names the units s and ms",
    ),
    "two units": (cells(heading="Time (s) [ms]"), "names the units s and ms"),
    "measures without an intensity": (
        [[" ", "Area1", "Min1", "Area2", "Min2"]]
        + [[str(i), "9", "3", "9", "4"] for i in range(40)],
        "several measures",
    ),
    "cut off": (
        [*PLAIN[:-1], [*PLAIN[-1][:6], "2"]],
        "row 401, the last one, is cut off after 7 of 13",
    ),
    "short row": ([*PLAIN[:100], PLAIN[100][:9], *PLAIN[101:]], "row 101 has 9 cells .* 13"),
    "word": (write_cell(PLAIN, 6, 3, "x7"), r"row 7, column 4 contains 'x7'"),
    "dash": (write_cell(PLAIN, 6, 3, "-"), r"row 7, column 4 contains '-'"),
    "dates": (
        [PLAIN[0], *([f"2024-01-01 00:00:{float(row[0]):06.3f}", *row[1:]] for row in PLAIN[1:])],
        "instead of dates",
    ),
    "names of rows": (
        [["id", *(f"{t:.2f}" for t in TIME_S)]]
        + [[n, *map(str, v)] for n, v in zip(NAMES, VALUES, strict=True)],
        "--layout rows",
    ),
    "times in the first row": (
        [[f"{t:.3f}" for t in TIME_S], *([str(v) for v in row] for row in VALUES)],
        "--layout rows",
    ),
    "traces in rows": ([[str(v) for v in row] for row in VALUES], "--layout rows"),
    "gap": ([*PLAIN[:200], *PLAIN[203:]], "uneven: the step after row 200"),
    "reset": ([*PLAIN[:200], *PLAIN[1:200]], "uneven: the step after row 200"),
    "falling": ([PLAIN[0], *PLAIN[:0:-1]], "the times fall from row to row"),
    "frames missing": (
        [["frame", "a", "b"]] + [[str(f), "1", str(f % 7)] for f in range(60) if f != 30],
        "frame numbers 'frame' are uneven",
    ),
    "thousands or decimals": (
        [["a", "b"]] + [["1.200" if i % 5 else "120", str(i % 7)] for i in range(40)],
        "--decimal point or --decimal comma",
    ),
    "thousands or decimal commas": (
        [["a", "b"]] + [["1,200" if i % 5 else "120", str(i % 7)] for i in range(40)],
        "--decimal point or --decimal comma",
    ),
    "both marks": (write_cell(PLAIN, 9, 3, "0,5"), "row 10, column 4 contains '0,5'"),
    "no rows": (PLAIN[:1], "no rows of numbers"),
    "heading of other width": (
        [["Time", "of", "the", "dot", "QD1"], *PLAIN[1:]],
        "the heading, has 5 names where the rows below have 13",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("dt_s", [None, 0.05])
def test_what_has_two_readings_is_refused(name, dt_s, tmp_path):
    rows, says = REFUSED[name]
    if name.startswith("two units") and dt_s is not None:
        pytest.skip("a given interval needs no unit")
    path = write(tmp_path / "t.csv", rows, ";")
    with pytest.raises(TracesError, match=says) as caught:
        read_traces(path, dt_s=dt_s)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["names of rows", "times in the first row", "traces in rows"])
def test_rows_as_traces(name, tmp_path):
    rows, _ = REFUSED[name]
    path = write(tmp_path / "t.csv", rows)
    dt_s = DT_S if name == "traces in rows" else None
    assert_right(read_traces(path, dt_s=dt_s, layout="rows"))


def test_the_decimal_mark_can_be_given(tmp_path):
    rows, _ = REFUSED["thousands or decimals"]
    path = write(tmp_path / "t.csv", rows, ";")
    assert read_traces(path, dt_s=1, decimal="point").values[0, 1] == pytest.approx(1.2)
    assert read_traces(path, dt_s=1, decimal="comma").values[0, 1] == 1200


def test_thousands_of_a_table_with_decimal_points(tmp_path):
    rows = [
        [PLAIN[0][0], "a"],
        *([row[0], f"{v:,}"] for row, v in zip(PLAIN[1:], 10 * VALUES[0], strict=True)),
    ]
    found = read_traces(write(tmp_path / "t.csv", rows, ";"))
    assert np.array_equal(found.values[0], 10 * VALUES[0])


@pytest.mark.parametrize("word", ["#N/A", "#DIV/0!", "NA", "nan", "NaN", "null", "", "#WERT!"])
def test_missing_cells(word, tmp_path):
    found = read_traces(write(tmp_path / "t.csv", write_cell(PLAIN, 50, 8, word)))
    assert found.usable().tolist() == [i != 7 for i in range(12)]
    assert np.isnan(found.values).sum() == 1
    assert "the first empty cell is row 51, column 9 ('QD8')" in found.notes[0]


@pytest.mark.parametrize("decimals", [2, 3])
@pytest.mark.parametrize("dt_s", [None, 1 / 30])
def test_rounded_times_are_even(decimals, dt_s, tmp_path):
    times = np.round(np.arange(400) / 30, decimals)
    rows = cells(time=times, time_format=f"{{:.{decimals}f}}")
    assert_right(
        read_traces(write(tmp_path / "t.csv", rows), dt_s=dt_s),
        dt_s=pytest.approx(1 / 30, rel=2e-3),
    )


def test_a_given_interval_that_differs_is_told(tmp_path):
    path = write(tmp_path / "t.csv", PLAIN)
    assert "given as 0.1 s" in read_traces(path, dt_s=0.1).notes[0]
    assert read_traces(path, dt_s=0.05).notes == ()


def test_columns_that_end_early(tmp_path):
    rows = [list(row) for row in PLAIN]
    for row in rows[382:]:
        row[2:] = [""] * 11
    path = write(tmp_path / "t.csv", rows)
    kept = read_traces(path)
    assert kept.usable().sum() == 1
    assert "row 383, column 3" in kept.notes[0]
    assert_right(read_traces(path, unequal_lengths="crop"), VALUES[:, :381])


def test_means_of_imagej(tmp_path):
    heading = [" ", *(f"{measure}{i}" for i in (1, 2) for measure in ("Area", "Mean", "Max"))]
    rows = [
        [str(f + 1), "9", str(VALUES[0, f]), "255", "9", str(VALUES[1, f]), "255"]
        for f in range(400)
    ]
    found = read_traces(write(tmp_path / "t.csv", [heading, *rows]), dt_s=DT_S)
    assert_right(found, VALUES[:2])
    assert "Mean was read" in found.notes[0]


def test_row_numbers_without_a_name(tmp_path):
    rows = [[f'"{name}"' for name in NAMES]]
    rows += [[f'"{i + 1}"', *map(str, row)] for i, row in enumerate(VALUES.T)]
    assert_right(read_traces(write(tmp_path / "t.txt", rows, " "), dt_s=DT_S))


def test_numbers_with_several_groups(tmp_path):
    rows = [["Time (s)", "a"]]
    rows += [[f"{t:.2f}".replace(".", ","), f"1.234.{100 + v}"] for t, v in PAIRS]
    found = read_traces(write(tmp_path / "t.csv", rows, ";"))
    assert np.array_equal(found.values[0], 1_234_100 + VALUES[0])
