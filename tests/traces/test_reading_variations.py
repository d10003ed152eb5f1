"""Tables of every kind, varied: either the right traces, or a refusal; never something else."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.support.tables import telegraph_counts
from umlpsd_gpu.errors import TracesError
from umlpsd_gpu.traces.tables import read_traces

UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0}
UNITS |= {"sec": 1.0, "msec": 1e-3, "milliseconds": 1e-3, "Seconds": 1.0, "usec": 1e-6, "hr": 3600}
TIME_WORDS = ["Time", "time", "t", "TIME", "Zeit", "Elapsed time", "Timestamp", "Frame time"]
SHAPES = ["{w} ({u})", "{w} [{u}]", "{w}/{u}", "{w} / {u}", "{w}_{u}", "{w} in {u}", "{w}({u})"]
STRANGE = ["a.u.", "frames", "bins", "K", "m", "counts", "px", "10 ms", "ticks", "rel. units"]
SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def headings(draw, units=tuple(UNITS)):
    word, unit = draw(st.sampled_from(TIME_WORDS)), draw(st.sampled_from(units))
    return draw(st.sampled_from(SHAPES)).format(w=word, u=unit), unit


@st.composite
def trace_names(draw, n):
    """Return names as people give them; with blanks, hashes or numbers in them."""
    shape = draw(
        st.sampled_from(["QD{i}", "Dot #{i}", "NC {i}", "trace_{i}", "{i}", "Mean{i}", "I(QD {i})"])
    )
    return [shape.format(i=i + 1) for i in range(n)]


def read(text, name="t.csv", **options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8", newline="")
        return read_traces(path, **options)


def quoted(cell, separator):
    return f'"{cell}"' if separator in cell or (separator == " " and " " in cell) else cell


@SLOW
@given(
    data=st.data(),
    heading=headings(),
    separator=st.sampled_from([",", ";", "\t", " ", "|"]),
    mark=st.sampled_from([".", ","]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    step=st.sampled_from([0.05, 0.03, 1.0, 2.5, 1 / 30]),
    start=st.sampled_from([0.0, 10.0]),
    preamble=st.sampled_from(["", "# made by X, 1;2\n", "EMCCD 7\nby NN\n\n", "% a\n%b\n"]),
    footer=st.sampled_from(["", "Mean{s}1{s}2\n", "\n", "\nend of data\n"]),
    decimals=st.sampled_from([1, 2, 3, 4]),
    bom=st.booleans(),
)
def test_text(data, heading, separator, mark, end, step, start, preamble, footer, decimals, bom):
    n = data.draw(st.sampled_from([1, 3, 5]))
    heading, unit = heading
    values = telegraph_counts(n, 60, seed=data.draw(st.integers(0, 9))) + 0.5
    times = start + step * np.arange(60)
    assume(not (separator == "," and mark == "," and n == 0))
    rows = [[heading, *data.draw(trace_names(n))]]
    rows += [
        [f"{t:.6f}", *(f"{v:.{decimals}f}" for v in row)]
        for t, row in zip(times, values.T, strict=True)
    ]
    if mark == ",":
        rows = [rows[0], *([cell.replace(".", ",") for cell in row] for row in rows[1:])]
    lines = [separator.join(quoted(cell, separator) for cell in row) for row in rows]
    text = preamble + "\n".join(lines) + "\n" + footer.format(s=separator)
    text = ("\ufeff" if bom else "") + text.replace("\n", end)
    found = read(text)
    assert found.values == pytest.approx(values, abs=0.5 * 10.0**-decimals + 1e-9)
    assert found.dt_s == pytest.approx(step * UNITS[unit], rel=1e-4)


@SLOW
@given(heading=headings(units=tuple(STRANGE)), given_dt_s=st.booleans())
def test_strange_units_are_never_seconds(heading, given_dt_s):
    values = telegraph_counts(3, 50)
    rows = [[heading[0], "a", "b", "c"]]
    rows += [[f"{0.05 * i:.2f}", *map(str, row)] for i, row in enumerate(values.T)]
    text = "\n".join("\t".join(row) for row in rows) + "\n"
    if given_dt_s:
        assert np.array_equal(read(text, dt_s=0.2).values, values)
        return
    with pytest.raises(TracesError, match="--dt-s"):
        read(text)


@SLOW
@given(
    order=st.permutations(["time", "frame", "a", "b", "c"]),
    n_copies=st.integers(0, 3),
    where=st.lists(st.integers(0, 7), min_size=3, max_size=3),
    named=st.booleans(),
    first_frame=st.sampled_from([0, 1]),
)
def test_axes_are_no_traces(order, n_copies, where, named, first_frame):
    values = telegraph_counts(3, 50)
    columns = {"time": 0.05 * np.arange(50), "frame": first_frame + np.arange(50.0)}
    columns |= dict(zip("abc", values.astype(float), strict=True))
    names = list(order)
    for place in where[:n_copies]:
        names.insert(place, "time")
    rows = [list(names)] if named or names[0] not in ("time",) else []
    rows += [[f"{columns[name][i]:.2f}" for name in names] for i in range(50)]
    text = "\n".join(",".join(row) for row in rows) + "\n"
    found = read(text)
    expected = [columns[name] for name in names if name in "abc"]
    assert np.array_equal(found.values, expected)
    assert found.dt_s == pytest.approx(0.05)


@SLOW
@given(
    step=st.sampled_from([0.0333333, 0.05, 0.0142857, 0.1, 7e-3]),
    jitter=st.floats(0, 0.2),
    drop=st.one_of(st.none(), st.integers(10, 380)),
    seed=st.integers(0, 99),
    given_dt=st.booleans(),
)
def test_jitter_passes_and_gaps_do_not(step, jitter, drop, seed, given_dt):
    rng = np.random.default_rng(seed)
    times = step * (np.arange(400) + jitter * rng.uniform(-1, 1, 400))
    if drop is not None:
        times[drop:] += step * int(rng.integers(1, 4))
    rows = "".join(
        f"{t:.6f},{v}\n" for t, v in zip(times, telegraph_counts(1, 400)[0], strict=True)
    )
    dt_s = step if given_dt else None
    if drop is None:
        assert read("Time (s),a\n" + rows, dt_s=dt_s).dt_s == pytest.approx(step, rel=5e-3)
        return
    with pytest.raises(TracesError, match=f"uneven: the step after row {drop + 1}"):
        read("Time (s),a\n" + rows, dt_s=dt_s)


@SLOW
@given(
    n_traces=st.integers(2, 90),
    n_frames=st.integers(20, 90),
    how=st.sampled_from(["vector", "first line", "none"]),
    columns=st.booleans(),
    kind=st.sampled_from([np.uint16, np.float32, np.float64]),
)
def test_arrays_either_way_round(n_traces, n_frames, how, columns, kind, tmp_path):
    values = telegraph_counts(n_traces, n_frames).astype(kind)
    times = 0.05 * np.arange(n_frames)
    path = tmp_path / "t.npz"
    if how == "vector":
        np.savez(path, F=values.T if columns else values, t=times)
        if n_traces == n_frames and columns:
            assert "as high as wide" in read_traces(path).notes[0]
            return
        found = read_traces(path)
    elif how == "first line":
        matrix = np.vstack([times, values])
        np.savez(path, F=matrix.T if columns else matrix)
        found = read_traces(path)
    else:
        np.savez(path, F=values.T if columns else values)
        found = read_traces(path, dt_s=0.05, layout="columns" if columns else "rows")
    assert np.array_equal(found.values, values)
    assert found.dt_s == pytest.approx(0.05)


@SLOW
@given(
    axis=st.sampled_from(["frame", "Frame", "FRAME", "t", "time_s", "slice", "time (ms)"]),
    identity=st.sampled_from(
        ["particle", "track_id", "TRACK_ID", "id", "Trajectory", "spot_id", "molecule", "roi"]
    ),
    others=st.lists(st.sampled_from(["x", "y", "mass", "signal", "ecc"]), min_size=1, unique=True),
    by_particle=st.booleans(),
)
def test_long_tables(axis, identity, others, by_particle):
    n_particles, n_frames = 3, 30
    pairs = [(p, f) for p in range(n_particles) for f in range(n_frames)]
    pairs = pairs if by_particle else sorted(pairs, key=lambda pair: pair[1])
    rows = [[*others, axis, identity]]
    rows += [[*(f"{p * 7 + f % 5}.5" for _ in others), str(f), str(p)] for p, f in pairs]
    text = "\n".join(",".join(row) for row in rows) + "\n"
    with pytest.raises(TracesError, match="it is a long table"):
        read(text, dt_s=0.05)


@SLOW
@given(row=st.integers(1, 60), n_cells=st.integers(1, 3), last=st.booleans(), end=st.booleans())
def test_rows_that_are_cut_off(row, n_cells, last, end):
    rows = [["Time (s)", "a", "b", "c"]]
    rows += [[f"{0.05 * i:.2f}", *map(str, v)] for i, v in enumerate(telegraph_counts(3, 60).T)]
    row = 60 if last else min(row, 59)
    rows[row] = rows[row][:n_cells]
    rows = rows[: row + 1] if last else rows
    text = "\n".join(";".join(cells) for cells in rows) + ("\n" if end else "")
    with pytest.raises(TracesError, match=f"row {row + 1}.* {n_cells} (cells|of 4 cells)"):
        read(text)
