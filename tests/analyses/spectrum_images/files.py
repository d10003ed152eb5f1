"""Small spectrum images in the formats of others' programs."""

import math

import h5py
import numpy as np

SHAPE = (6, 5, 40)


def counts(seed=0, shape=SHAPE):
    """Return counts in which no two axes are alike."""
    rng = np.random.default_rng(seed)
    rates = np.linspace(1, 4, shape[0])[:, None, None] * np.linspace(3, 1, shape[2])
    return rng.poisson(np.broadcast_to(rates, shape)).astype(np.uint16)


def write_hspy(path, values, units="keV", navigate=(True, True, False), **detector):
    with h5py.File(path, "w") as file:
        signal = file.create_group("Experiments/map")
        signal.create_dataset("data", data=values, chunks=True, compression="gzip")
        for i, (size, moves) in enumerate(zip(values.shape, navigate, strict=True)):
            axis = signal.create_group(f"axis-{i}")
            unit = "nm" if moves else units
            axis.attrs.update(size=size, navigate=moves, offset=0.5, scale=0.02, units=unit)
        sem = signal.create_group("metadata/Acquisition_instrument/SEM")
        sem.attrs["beam_energy"] = 15.0
        sem.create_group("Detector/EDS").attrs.update(elevation_angle=35.0, **detector)
    return path


def write_oxford(path, values, **header):
    """Write a file to the H5OINA specification 7.0 (no file of AZtec was at hand)."""
    rows, cols, channels = values.shape
    known = {
        "X Cells": np.int32(cols),
        "Y Cells": np.int32(rows),
        "X Step": np.float32(0.25),
        "Y Step": np.float32(0.25),
        "Channel Width": np.float32(20.0),
        "Start Channel": np.float32(-100.0),
        "Number Channels": np.int32(channels),
        "Beam Voltage": np.float32(20.0),
        "Detector Elevation": np.float32(math.radians(35)),
        **header,
    }
    with h5py.File(path, "w") as file:
        file["Format Version"] = ["7.0"]
        file["Index"] = ["1"]
        eds = file.create_group("1/EDS")
        for name, value in known.items():
            if value is not None:
                eds[f"Header/{name}"] = np.reshape(value, (1, 1))
        eds["Header/Window Type"] = ["SATW"]
        eds["Data/Live Time"] = np.full((rows * cols, 1), 0.5, np.float32)
        flat = values.reshape(-1, channels).astype(np.int32)
        eds.create_dataset("Data/Spectrum", data=flat, compression="lzf")
    return path


def write_ripple(path, values, record_by="vector", **changes):
    rows, cols, channels = values.shape
    stored = values if record_by == "vector" else values.transpose(2, 0, 1)
    stored.astype(">u2").tofile(path.with_suffix(".raw"))
    header = {
        "width": cols,
        "height": rows,
        "depth": channels,
        "offset": 0,
        "data-length": 2,
        "data-type": "unsigned",
        "byte-order": "big-endian",
        "record-by": record_by,
        "ev-per-chan": 20,
        "depth-origin": -100,
        "depth-scale": 20,
        "depth-units": "eV",
        "width-scale": 0.25,
        "width-units": "um",
        "beam-energy": 20,
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}\t{value}" for name, value in header.items() if value is not None]
    path.write_text("key\tvalue\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path
