"""The header and the block of a page give back what was put in."""

import base64
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest

from umlpsd_gpu.explorer.packing import LARGEST_CODE, MOST_CURVE_BYTES, pack, quantise
from umlpsd_gpu.explorer.parts import Column, Curves, Explorer, Layer, Panel, Picture

TYPES = {"u1": np.uint8, "u2": np.uint16, "i2": np.int16, "i4": np.int32, "f4": np.float32}


def unpack(block, place):
    data = zlib.decompress(base64.b64decode(block))
    return np.frombuffer(data, TYPES[place["type"]], place["n"], place["at"])


def explorer(n_items=5, n_samples=30):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(n_items, n_samples)).cumsum(axis=1)
    beta = rng.normal(size=n_items)
    return Explorer(
        item="emitter",
        ids=tuple(f"<b>{i}" for i in range(n_items)),
        x=np.arange(n_items) + 0.5,
        y=np.arange(n_items) * 2.0,
        x_label="column (px)",
        y_label="row (px)",
        picture_of=np.zeros(n_items, dtype=int),
        pictures=(Picture("a.tif", (Layer("Mean", "counts", rng.normal(size=(4, 6))),), 0.1),),
        is_pixels=False,
        labels=np.arange(n_items) % 3,
        columns=(Column("β", "", beta, beta - 0.1, beta + 0.2), Column("Score", "σ", -beta)),
        panels=(Panel("Trace", "Time (s)", "Counts", (Curves("raw", np.arange(n_samples), y),)),),
        labellings=None,
        outliers=np.arange(n_items) > 1,
        outlier_column="Score",
    )


def test_values_come_back():
    made = explorer()
    header, block = pack(made)
    assert json.loads(json.dumps(header, allow_nan=False)) == header
    np.testing.assert_allclose(unpack(block, header["x"]), made.x)
    beta = header["columns"][0]
    for name, values in (("values", "values"), ("low", "low"), ("high", "high")):
        expected = getattr(made.columns[0], values)
        np.testing.assert_allclose(unpack(block, beta[name]), expected, rtol=1e-6)
    packed = header["panels"][0]["curves"][0]
    codes = unpack(block, packed["y"]["codes"]).reshape(5, 30).astype(float)
    low, step = unpack(block, packed["y"]["scale"]).reshape(5, 2).T[:, :, None]
    y = made.panels[0].curves[0].y
    tolerance = (np.ptp(y, axis=1) / LARGEST_CODE).max()
    np.testing.assert_allclose(low + (codes - 1) * step, y, atol=tolerance)


def test_outliers_are_sorted_by_their_score():
    made = explorer()
    header, block = pack(made)
    score = made.columns[1].values
    expected = [i for i in np.argsort(-score) if made.outliers[i]]
    assert unpack(block, header["outliers"]).tolist() == expected
    header, block = pack(replace(made, outlier_column=""))
    assert unpack(block, header["outliers"]).tolist() == [2, 3, 4]


def test_same_explorer_same_bytes():
    assert pack(explorer()) == pack(explorer())


def test_many_long_curves_are_thinned_to_the_limit():
    n, n_samples = 2000, 6000
    flat = np.broadcast_to(np.float32(1), (n, n_samples))
    made = explorer(n)
    panel = replace(made.panels[0], curves=(Curves("raw", np.arange(n_samples), flat),))
    header, _ = pack(replace(made, panels=(panel, panel)))
    n_kept = header["panels"][0]["curves"][0]["n"]
    assert n_kept == 2 * header["nColumns"]
    assert 0.95 * MOST_CURVE_BYTES < 2 * 2 * n * n_kept <= MOST_CURVE_BYTES


@pytest.mark.parametrize("is_log", [False, True])
def test_what_is_not_a_number_is_left_out(is_log):
    values = np.array([[1.0, np.nan, np.inf, 100.0], [np.nan] * 4, [-1.0, 0.0, 3.0, 3.0]])
    codes, scale = quantise(values, is_log)
    assert codes[0, 1] == codes[0, 2] == 0
    assert codes[0, [0, 3]].tolist() == [1, LARGEST_CODE + 1]
    assert not codes[1].any()
    assert scale[1].tolist() == [0, 0]
    assert (codes[2, :2] == 0).all() == is_log
