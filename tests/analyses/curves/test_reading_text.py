"""Text tables: columns, pairs, sweeps within a column, and what is refused."""

import numpy as np
import pytest

from umlpsd_gpu import CurvesError, read_curves

BIAS = np.linspace(-1, 1, 5)


def write(path, rows, heading="", separator="\t", decimal="."):
    lines = [separator.join(f"{x:.10g}" for x in row).replace(".", decimal) for row in rows]
    path.write_text("\n".join([heading] * bool(heading) + lines) + "\n", encoding="utf-8")
    return path


def test_the_first_column_is_the_bias_of_all(tmp_path):
    rows = np.column_stack([1000 * BIAS, BIAS, 2 * BIAS])
    curves = read_curves(write(tmp_path / "a.txt", rows, "V (mV)\tI1 (nA)\tI2 (nA)"))
    np.testing.assert_allclose(curves.bias, BIAS)
    np.testing.assert_allclose(curves.current["forward"], [BIAS * 1e-9, BIAS * 2e-9])
    assert curves.origins["bias"].value == "mV"


@pytest.mark.parametrize(
    "heading",
    [
        "Bias [V],Current [nA]",
        "bias_V,current_nA",
        "U / V,I / nA",
        '"V, V","I, nA"',
        "V (V),I(V) nA",
    ],
)
def test_units_are_read_from_headings(tmp_path, heading):
    separator = "," if heading.count(",") == 1 else ";"
    heading = heading.replace('","', '";"')
    path = write(tmp_path / "a.csv", np.column_stack([BIAS, BIAS]), heading, separator)
    np.testing.assert_allclose(read_curves(path).current["forward"][0], BIAS * 1e-9)


@pytest.mark.parametrize("separator", ["\t", ";", " ", "   "])
def test_decimal_commas_and_separators(tmp_path, separator):
    rows = np.column_stack([BIAS, BIAS / 4])
    path = write(tmp_path / "a.txt", rows, "# bias (V)  current (A)", separator, ",")
    np.testing.assert_allclose(read_curves(path).current["forward"][0], BIAS / 4)


def test_units_without_headings_are_asked_for(tmp_path):
    path = write(tmp_path / "a.txt", np.column_stack([BIAS, BIAS]))
    with pytest.raises(CurvesError, match="unit of the bias is unknown; give it with --bias-unit"):
        read_curves(path)
    with pytest.raises(CurvesError, match="unit of the current is unknown"):
        read_curves(path, bias_unit="V")
    curves = read_curves(path, bias_unit="V", current_unit="µA")
    np.testing.assert_allclose(curves.current["forward"][0], BIAS * 1e-6)


@pytest.mark.parametrize("named", [True, False])
def test_pairs_of_columns(tmp_path, named):
    rows = np.column_stack([BIAS, BIAS, BIAS, 2 * BIAS])
    heading = "\t".join(["V (V)", "I (A)"] * 2) if named else ""
    path = write(tmp_path / "a.txt", rows, heading)
    curves = read_curves(path) if named else read_curves(path, bias_unit="V", current_unit="A")
    np.testing.assert_allclose(curves.current["forward"], [BIAS, 2 * BIAS])


def test_each_column_has_the_unit_of_its_own_heading(tmp_path):
    rows = np.column_stack([BIAS, BIAS, BIAS, BIAS, BIAS])
    heading = "V (V)\tI1 (nA)\tI2 (pA)\tI1 [bwd] (pA)\tI2 [bwd] (nA)"
    curves = read_curves(write(tmp_path / "a.txt", rows, heading))
    np.testing.assert_allclose(curves.current["forward"], [BIAS * 1e-9, BIAS * 1e-12])
    np.testing.assert_allclose(curves.current["backward"], [BIAS * 1e-12, BIAS * 1e-9])
    assert curves.origins["current unit"].value == "nA and pA"


def test_a_column_without_a_unit_beside_currents_is_noted(tmp_path):
    path = write(tmp_path / "a.txt", np.column_stack([BIAS] * 4), "V (V)\tI1 (nA)\tI2\tZ (m)")
    curves = read_curves(path)
    assert curves.n_curves == 1
    (note,) = curves.notes
    assert note.endswith("these none: I2.")


def test_each_pair_has_the_units_of_its_own_headings(tmp_path):
    heading = "V (V)\tI (nA)\tV (mV)\tI (pA)"
    rows = np.column_stack([BIAS, BIAS, 1000 * BIAS, BIAS])
    curves = read_curves(write(tmp_path / "a.txt", rows, heading))
    np.testing.assert_allclose(curves.bias, BIAS)
    np.testing.assert_allclose(curves.current["forward"], [BIAS * 1e-9, BIAS * 1e-12])
    assert curves.origins["bias"].value == "V and mV"
    # equal numbers are other biases in another unit
    with pytest.raises(CurvesError, match=r"curve 2 has another bias axis \(-0\.001 to 0\.001 V"):
        read_curves(write(tmp_path / "b.txt", np.column_stack([BIAS] * 4), heading))


def test_a_pair_without_units_does_not_take_those_of_another(tmp_path):
    path = write(tmp_path / "a.txt", np.column_stack([BIAS] * 4), "V (V)\tI (nA)\tV\tI")
    with pytest.raises(CurvesError, match="unit of the bias is unknown"):
        read_curves(path)
    curves = read_curves(path, bias_unit="V", current_unit="nA")
    np.testing.assert_allclose(curves.current["forward"], [BIAS * 1e-9] * 2)
    assert curves.origins["bias"].source == "header of the file and --bias-unit"


def test_pairs_with_shifted_axes_are_interpolated_and_noted(tmp_path):
    shifted = BIAS + 0.2
    rows = np.column_stack([BIAS, BIAS, shifted, shifted])
    curves = read_curves(write(tmp_path / "a.txt", rows, "\t".join(["V (V)", "I (A)"] * 2)))
    np.testing.assert_allclose(curves.bias, BIAS[1:])
    np.testing.assert_allclose(curves.current["forward"], [BIAS[1:], BIAS[1:]])
    assert "interpolated linearly" in curves.notes[0]


def test_pairs_over_other_ranges_are_refused(tmp_path):
    rows = np.column_stack([BIAS, BIAS, 3 * BIAS, BIAS])
    with pytest.raises(CurvesError, match="curve 2 has another bias axis \\(-3 to 3 V\\)"):
        read_curves(write(tmp_path / "a.txt", rows, "\t".join(["V (V)", "I (A)"] * 2)))


def test_a_layout_that_does_not_fit_is_refused(tmp_path):
    path = write(tmp_path / "a.txt", np.column_stack([BIAS, BIAS, BIAS]), "V (V)\tI (A)\tJ (A)")
    with pytest.raises(CurvesError, match="need an even number of columns, got 3"):
        read_curves(path, layout="pairs")


def test_a_bias_that_goes_up_and_down_has_two_sweeps(tmp_path):
    bias = np.concatenate([BIAS, BIAS[::-1][1:]])
    rows = np.column_stack([bias, np.arange(9)])
    curves = read_curves(write(tmp_path / "a.txt", rows, "V (V)\tI (A)"))
    np.testing.assert_allclose(curves.bias, BIAS)
    np.testing.assert_allclose(curves.current["forward"], [[0, 1, 2, 3, 4]])
    np.testing.assert_allclose(curves.current["backward"], [[8, 7, 6, 5, 4]])
    assert "told apart" in curves.notes[0]


def test_a_loop_may_start_at_zero(tmp_path):
    bias = np.array([0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0])
    rows = np.column_stack([bias, np.arange(9)])
    curves = read_curves(write(tmp_path / "a.txt", rows, "V (V)\tI (A)"))
    np.testing.assert_allclose(curves.bias, BIAS)
    np.testing.assert_allclose(curves.current["forward"][0][[0, 1, 3, 4]], [6, 7, 1, 2])
    np.testing.assert_allclose(curves.current["backward"], [[6, 5, 4, 3, 2]])


def test_a_held_turning_point_belongs_to_both_sweeps(tmp_path):
    bias = np.array([-1.0, 0, 1, 1, 0, -1])
    rows = np.column_stack([bias, np.arange(6)])
    curves = read_curves(write(tmp_path / "a.txt", rows, "V (V)\tI (A)"))
    assert {sweep: values.tolist() for sweep, values in curves.current.items()} == {
        "forward": [[0, 1, 2]],
        "backward": [[5, 4, 3]],
    }


def test_columns_of_both_sweeps(tmp_path):
    rows = np.column_stack([BIAS, BIAS, 2 * BIAS, 3 * BIAS])
    heading = "bias (V)\tcurrent (A)\tcurrent [bwd] (A)\tLIX (V)"
    curves = read_curves(write(tmp_path / "a.txt", rows, heading))
    np.testing.assert_allclose(curves.current["backward"], [2 * BIAS])
    assert list(curves.lock_in) == ["LIX (V) forward"]


def test_a_grid_is_named_by_its_rows(tmp_path):
    rows = np.column_stack([BIAS, *(i * BIAS for i in range(6))])
    path = write(tmp_path / "a.txt", rows, "V (V)" + "\tI (A)" * 6)
    curves = read_curves(path, n_rows=2, pixel_size_m=1e-8)
    assert curves.shape == (2, 3)
    np.testing.assert_allclose(
        curves.positions[[0, 2, 3]], np.array([[-1, 0.5], [1, 0.5], [-1, -0.5]]) * 1e-8
    )
    assert read_curves(path).shape is None
    with pytest.raises(CurvesError, match="6 curves can't fill 4 rows of a grid"):
        read_curves(path, n_rows=4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("V (V)\tI (A)\tJ (A)\n-1\t1\t2\n0\t1\t2\n1\t1\n", "unequal lengths: line 4 has 2 cells"),
        ("V (V)\tI (A)\tJ (A)\n-1\t1\t2\n0\t1\t2\n1\t1\t\n", "unequal lengths: line 4"),
        ("V (V)\tI (A)\tJ (A)\n-1\t1\t2\n0\t\t2\n1\tnan\t2\n", "curve 1 ends after 1 of 3"),
        ("V (V)\tI (A)\n-1\t1\n0\tword\n1\t2\n", "line 3 holds words within the numbers"),
        ("V (V),I (A)\n-1,OL\n0,1\n1,2\n2,3\n", r"line 2 holds words .* \('-1 OL'\)"),
        ("V (V),I (A)\n-1,OL\n-0.5,OL\n0,1\n1,2\n2,3\n", "line 2 holds words"),
        ("-1,OL\n0,1\n1,2\n2,3\n", "line 1 holds words"),
        ("V (V),I (A)\n0,1\n1,2\n2,3\n3,OL\n", "line 5 holds words"),
        ("V (V),I (A)\n0,1\n1,2\n2,3\nOL,3\n", "line 5 holds words"),
        ("V (V);I (A)\n0;1,5\n1;2,5\n2;3\n3;OL\n", "line 5 holds words"),
        ("V (V),I (A),J (A)\n-1,1,\n0,1,2\n1,1,3\n", "unequal lengths: line 2 has 2 cells"),
        ("V (V),I (A)\n-1,\n0,1\n1,1\n", "unequal lengths: line 2 has 1 cell,"),
        ("V (V)\tI (A)\n0\t1\n1\t1\n0.5\t2\n1\t2\n0\t1\n1\t3\n", "not monotone"),
        ("V (V)\tI (A)\n1\t1\n1\t1\n1\t2\n", "the bias is the same at all points"),
        ("V (V)\tI (A)\n-1\t1\n1\t1\n", "have 2 points each"),
        ("V (V)\tI (A)\n-1\t1\nnan\t1\n1\t1\n2\t3\n", "bias has empty cells"),
        ("V (V)\tI (A)\n-1\tinf\n0\t1\n1\t1\n", "currents are infinite"),
        ("I (A)\tV (V)\n-1\t1\n0\t1\n1\t1\n", "first column is 'I \\(A\\)'; put the column of the"),
        ("one\ntwo\n", "no table of numbers"),
        ("", "no table of numbers"),
        ("V (V)\tZ (m)\n-1\t1\n0\t1\n1\t1\n", "no column with a current"),
    ],
)
def test_what_is_no_table_of_curves_is_refused_in_one_sentence(tmp_path, text, said):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(CurvesError, match=said) as caught:
        read_curves(tmp_path / "a.txt")
    assert "\n" not in str(caught.value)
    assert ";" in caught.value.reason


@pytest.mark.parametrize("separator", [",", " ", "\t"])
def test_text_around_the_numbers_is_no_row_of_them(tmp_path, separator):
    rows = "\n".join(f"{x}{separator}{x}" for x in BIAS)
    above = f"Sample 3\n300 K and 2 more words\n# 5 OL\nV{separator}1\n"
    (tmp_path / "a.txt").write_text(f"{above}{rows}\nend of the 5 measured points\n")
    curves = read_curves(tmp_path / "a.txt", bias_unit="V", current_unit="A")
    np.testing.assert_allclose(curves.current["forward"], [BIAS])
    assert curves.origins["current"].value == "1"


def test_files_of_a_folder_must_fit_together(tmp_path):
    write(tmp_path / "a.txt", np.column_stack([BIAS, BIAS]), "V (V)\tI (A)")
    write(tmp_path / "b.txt", np.column_stack([BIAS[:4], BIAS[:4]]), "V (V)\tI (A)")
    with pytest.raises(CurvesError, match=r"unequal lengths: a\.txt has 5 points, b\.txt 4"):
        read_curves(tmp_path)
    both = np.concatenate([BIAS, BIAS[::-1]])
    write(tmp_path / "b.txt", np.column_stack([both, both]), "V (V)\tI (A)")
    with pytest.raises(CurvesError, match=r"a\.txt has the sweeps forward, b\.txt forward and"):
        read_curves(tmp_path)


def test_a_preamble_as_omicron_writes_it(tmp_path):
    heading = "\n".join(
        [
            "# Single Point Spectroscopy",
            "# Channel name and data unit      I(V) [nA]",
            "# Sample position                 -3.0e+001, 1.0e+002 [nm]",
            "# ",
            "# Ramp value [V]                             I(V)",
            "# --------------             --------------------",
        ]
    )
    path = write(tmp_path / "a.txt", np.column_stack([BIAS, BIAS]), heading, "     ")
    curves = read_curves(path)
    np.testing.assert_allclose(curves.current["forward"][0], BIAS * 1e-9)
    np.testing.assert_allclose(curves.positions, [[-3e-8, 1e-7]])


def test_other_files_are_refused_with_advice(tmp_path):
    (tmp_path / "a.pfc").write_bytes(b"\0")
    with pytest.raises(CurvesError, match=r"'\.pfc' files hold no curves that can be read"):
        read_curves(tmp_path / "a.pfc")


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("heading", ["", ",I1 (nA),I2 (nA)\n"])
def test_numbers_of_rows_are_not_taken_as_bias(tmp_path, start, heading):
    rows = "".join(f"{start + i},{0.1 * i:.3f},{0.2 * i:.3f}\n" for i in range(12))
    (tmp_path / "a.csv").write_text(heading + rows)
    says = rf"counts {start}, {start + 1}, .*: the numbers of the rows, or a bias in steps of 1"
    with pytest.raises(CurvesError, match=says):
        read_curves(tmp_path / "a.csv", bias_unit="V", current_unit="nA")


@pytest.mark.parametrize("bias", [np.arange(-5, 6.0), np.arange(12) / 10])
def test_other_columns_without_heading_are_the_bias(tmp_path, bias):
    path = write(tmp_path / "a.txt", np.column_stack([bias, bias, bias]))
    assert read_curves(path, bias_unit="V", current_unit="nA").bias == pytest.approx(bias)
    named = write(tmp_path / "b.txt", np.arange(8).reshape(4, 2), "Bias (V)\tI (nA)")
    assert read_curves(named).bias.tolist() == [0, 2, 4, 6]
    named = write(tmp_path / "c.txt", np.arange(4)[:, None] * [1, 3], "Bias (V)\tI (nA)")
    assert read_curves(named).bias.tolist() == [0, 1, 2, 3]
