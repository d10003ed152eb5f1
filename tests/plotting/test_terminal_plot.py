"""Curves in characters: every dot where it belongs, gaps stay gaps."""

import numpy as np
import pytest

from umlpsd_gpu.plotting.terminal_plot import plot_in_characters


def dots_of(lines, n_rows):
    """Return which braille dots are set, from the characters."""
    order = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (3, 1))
    rows = [line.partition("┤" if "┤" in line else "│")[2] for line in lines[:n_rows]]
    width = max(map(len, rows))
    dots = np.zeros((4 * n_rows, 2 * width), dtype=bool)
    for r, row in enumerate(rows):
        for c, sign in enumerate(row):
            code = ord(sign) - 0x2800
            for bit, (down, across) in enumerate(order):
                dots[4 * r + down, 2 * c + across] = bool(code >> bit & 1)
    return dots


def test_a_straight_line_is_a_diagonal():
    x = np.arange(40.0)
    dots = dots_of(plot_in_characters(x, x, 20, 10), 10)
    assert np.array_equal(dots, np.eye(40, dtype=bool)[::-1])


def test_a_long_trace_keeps_its_extremes_in_every_column():
    rng = np.random.default_rng(0)
    y = rng.random(10_000)
    y[5000] = 9.0
    dots = dots_of(plot_in_characters(np.arange(10_000.0), y, 50, 6), 6)
    top = np.flatnonzero(dots[0])
    assert top.tolist() == [round(5000 / 9999 * 99)]
    assert dots.any(axis=0).all()


def test_gaps_stay_gaps():
    x = np.arange(30.0)
    y = np.where((x > 9) & (x < 20), np.nan, 1.0)
    dots = dots_of(plot_in_characters(x, y, 15, 2), 2)
    # x from 0 to 29 is spread over 30 dots
    assert not dots[:, 10:20].any()
    assert dots.any(axis=0)[[0, 9, 20, 29]].all()


def test_power_laws_are_straight_on_logarithmic_axes():
    f = np.geomspace(0.1, 10, 80)
    f_with_zero = np.concatenate([[0.0], f])
    lines = plot_in_characters(f_with_zero, 5 * f_with_zero**2, 40, 20, is_logarithmic=True)
    assert np.array_equal(dots_of(lines, 20), np.eye(80, dtype=bool)[::-1])
    assert lines[-1].split() == ["0.1", "10"]


def test_the_limits_are_at_the_axes():
    lines = plot_in_characters(np.array([0.0, 60.0]), np.array([-2.5, 140.0]), 30, 4)
    assert lines[0].startswith(" 140 ┤")
    assert lines[3].startswith("-2.5 ┤")
    assert lines[-1].split() == ["0", "60"]


@pytest.mark.parametrize("values", [[np.nan, np.nan], [np.inf, np.nan]])
def test_nothing_to_draw_is_said(values):
    assert plot_in_characters(np.arange(2.0), np.array(values)) == ["(no values to draw)"]


def test_a_constant_is_drawn_in_ascii_where_needed():
    lines = plot_in_characters(np.arange(4.0), np.ones(4), 4, 3, has_braille=False)
    assert set("".join(line.partition("┤")[2] for line in lines)) <= set(".:'")
    assert any("." in line or ":" in line or "'" in line for line in lines)
