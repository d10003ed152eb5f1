"""Conditioning of real maps, read from the folder of shared data where there is one."""

import struct

import numpy as np
import pytest

from umlpsd_gpu.analyses.curves.conditioning.condition import condition_curves
from umlpsd_gpu.analyses.curves.curve_map import CurveMap
from umlpsd_gpu.analyses.curves.representations import REPRESENTATIONS, represent_curves


def read_wave(path):
    """Read an Igor wave of version 5: rows, columns, points."""
    content = path.read_bytes()
    n_values, kind = struct.unpack("<ih", content[76:82])
    sides = [n for n in struct.unpack("<4i", content[132:148]) if n]
    step, start = (struct.unpack("<4d", content[at : at + 32])[2] for at in (148, 180))
    values = np.frombuffer(content, {2: "<f4", 4: "<f8"}[kind], n_values, 384)
    cube = values.reshape(sides, order="F").astype(float)
    return CurveMap(start + step * np.arange(sides[2]), {"forward": cube.reshape(-1, sides[2])})


def test_saturated_curves_and_offset_of_a_tunnelling_map(shared_data):
    name = "Ta2NiSe5_1_1_IV_Forward_Up_Retrace.ibw"
    conditioned = condition_curves(read_wave(shared_data / "curves" / name))
    assert (conditioned.is_saturated["forward"].sum(axis=1) >= 3).sum() == 21
    # the current of the points next to zero, at ∓ 6.7 mV, is 7.6 and −4.2 pA
    assert conditioned.current_offset[0] == pytest.approx(3.7e-12, abs=0.4e-12)
    for matrix in represent_curves(conditioned, tuple(REPRESENTATIONS)).values():
        assert np.isfinite(matrix).all()


def test_offset_of_a_map_with_a_gap(shared_data):
    name = "GeS_13_4_IV_Forward_Up_Trace.ibw"
    conditioned = condition_curves(read_wave(shared_data / "curves" / name))
    assert conditioned.current_offset[0] == pytest.approx(7.5e-12, abs=0.4e-12)
    assert not conditioned.is_saturated["forward"].any()
    assert conditioned.is_usable.all()
