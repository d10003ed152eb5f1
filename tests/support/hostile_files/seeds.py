"""Small sound files of every importer, to be mutated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import roifile
import scipy.io
import tifffile
from openpyxl import Workbook

from tests.support.hostile_files.importers import IMAGE
from tests.support.tables import NAMES, TIME_S, VALUES, cells, write
from tests.support.tiff_files import frames_of, ome_xml, write_noted, write_stk, write_texts
from umlpsd_gpu.analyses.blinking.settings import Settings

FRAMES = frames_of(6, 16, 16)
# Tables of few frames: a mutant has to be read within milliseconds
FEW = slice(0, 30)
SMALL, TIMES = VALUES[:4, FEW], TIME_S[FEW]
TIFF_OPTIONS = {
    "plain": {},
    "imagej": {"imagej": True, "metadata": {"axes": "TYX"}},
    "ome": {"ome": True, "metadata": {"axes": "TYX"}},
    "big": {"bigtiff": True, "byteorder": ">"},
    "deflate": {"compression": "zlib"},
    "lzw": {"compression": "lzw", "predictor": True},
    "lzma": {"compression": "lzma"},
    "packbits": {"compression": "packbits"},
    "jpeg": {"compression": "jpeg", "dtype": "u1"},
    "tiles": {"tile": (16, 16), "compression": "zstd"},
    "strips": {"rowsperstrip": 3},
}


def write_seeds(importer: str, folder: Path) -> list[Path]:
    """Write the seeds of one importer; return their paths, in a fixed order."""
    folder.mkdir(parents=True, exist_ok=True)
    writers = {
        "TIFF": _write_movies,
        "CSV": _write_texts,
        "Excel": _write_workbooks,
        "HDF5": _write_hdf5,
        "MATLAB": _write_matlab,
        "NumPy": _write_numpy,
        "ROI": _write_regions,
        "TOML": _write_settings,
    }
    return list(writers[importer](folder))


def _write_movies(folder: Path) -> Iterator[Path]:
    for name, options in TIFF_OPTIONS.items():
        path, options = folder / f"{name}.tif", dict(options)
        tifffile.imwrite(path, FRAMES.astype(options.pop("dtype", "u2")), **options)
        yield path
    with tifffile.TiffWriter(folder / "pages.tif") as writer:
        for frame in FRAMES:
            writer.write(frame, contiguous=False, metadata=None)
    yield folder / "pages.tif"
    notes = [{"ElapsedTime-ms": 5 * i, "FrameIndex": i} for i in range(6)]
    yield write_noted(folder / "micromanager.tif", FRAMES, notes)
    yield write_stk(folder / "metamorph.stk", FRAMES, [50 * i for i in range(6)])
    texts = [f"frameNumbers = {i}\nframeTimestamps_sec = {i}\n" for i in range(6)]
    yield write_texts(folder / "scanimage.tif", FRAMES, texts, "SI.hChannels.channelSave = 1")
    planes = "".join(
        f'<TiffData FirstT="{i}" IFD="{i}"/><Plane TheT="{i}" TheZ="0" TheC="0" DeltaT="{i}"/>'
        for i in range(6)
    )
    xml = ome_xml(6, planes, shape=(16, 16))
    tifffile.imwrite(folder / "planes.tif", FRAMES, description=xml, metadata=None)
    yield folder / "planes.tif"


def _write_texts(folder: Path) -> Iterator[Path]:
    rows = cells(TIMES, SMALL, NAMES[:4])
    yield write(folder / "comma.csv", rows)
    decimal_comma = [[cell.replace(".", ",") for cell in row] for row in rows]
    yield write(folder / "semicolon.csv", decimal_comma, ";")
    yield write(folder / "preamble.txt", rows, "\t", "# Andor\n# exposure 30 ms\n", "\nMean 5\n")
    yield write(folder / "blanks.dat", rows[1:], " ")
    quoted = [[f'"{cell}"' for cell in row] for row in rows]
    yield write(folder / "quoted.csv", quoted)
    (folder / "utf16.csv").write_bytes((folder / "comma.csv").read_text().encode("utf-16"))
    yield folder / "utf16.csv"


def _write_workbooks(folder: Path) -> Iterator[Path]:
    table = cells(TIMES, SMALL, NAMES[:4])
    for name, titles in (("one", ["Data"]), ("two", ["Info", "Data"])):
        book = Workbook()
        book.remove(book.active)
        for title in titles:
            page = book.create_sheet(title)
            rows = [["Operator", "NN"]] if title == "Info" else table
            for row in rows:
                page.append([float(c) if c[0].isdigit() else c for c in row])
        book.save(folder / f"{name}.xlsx")
        yield folder / f"{name}.xlsx"


def _write_hdf5(folder: Path) -> Iterator[Path]:
    with h5py.File(folder / "plain.h5", "w") as file:
        file["traces"], file["dt_s"] = SMALL, 0.05
    yield folder / "plain.h5"
    with h5py.File(folder / "packed.h5", "w", libver="latest") as file:
        stored = file.create_dataset(
            "a/traces", data=SMALL, chunks=(2, 10), compression="gzip", shuffle=True
        )
        stored.attrs["dt_s"] = 0.05
        file["a/time_s"], file["a/name"] = TIMES, "a dot"
    yield folder / "packed.h5"
    with h5py.File(folder / "linked.h5", "w") as file:
        file["data/QD"] = SMALL.astype("f4")
        file["data/again"], file["loop"] = h5py.SoftLink("/data/QD"), h5py.SoftLink("/loop")
        file["other"] = h5py.ExternalLink("plain.h5", "/traces")
        file["data/whole"] = file["/"]
    yield folder / "linked.h5"
    with h5py.File(folder / "records.h5", "w") as file:
        file["locs"] = np.rec.fromarrays([TIMES, *SMALL], names=["time", *NAMES[:4]])
    yield folder / "records.h5"


def _write_matlab(folder: Path) -> Iterator[Path]:
    vectors = np.empty(4, dtype=object)
    vectors[:] = [row.astype(float) for row in SMALL]
    contents = {
        "plain": {"traces": SMALL.astype(float), "dt_s": 0.05},
        "struct": {"data": {"traces": SMALL, "time": TIMES}},
        "cell": {"traces": vectors},
    }
    for name, variables in contents.items():
        scipy.io.savemat(folder / f"{name}.mat", variables)
        yield folder / f"{name}.mat"
    scipy.io.savemat(folder / "packed.mat", contents["struct"], do_compression=True)
    yield folder / "packed.mat"
    scipy.io.savemat(folder / "old.mat", {"traces": SMALL.astype(float)}, format="4")
    yield folder / "old.mat"
    with h5py.File(folder / "v73.mat", "w", userblock_size=512) as file:
        parts = [
            file.create_dataset(f"#refs#/{i}", data=row[None].T) for i, row in enumerate(SMALL)
        ]
        file["traces"] = np.array([[part.ref for part in parts]], dtype=h5py.ref_dtype)
    yield folder / "v73.mat"


def _write_numpy(folder: Path) -> Iterator[Path]:
    np.save(folder / "plain.npy", SMALL)
    yield folder / "plain.npy"
    np.save(folder / "fortran.npy", np.asfortranarray(SMALL.astype(">f4")))
    yield folder / "fortran.npy"
    np.save(folder / "records.npy", np.rec.fromarrays([TIMES, *SMALL], names=["time", *NAMES[:4]]))
    yield folder / "records.npy"
    np.savez(folder / "stored.npz", F=SMALL, t=TIMES)
    yield folder / "stored.npz"
    np.savez_compressed(folder / "packed.npz", traces=SMALL, dt_s=0.05)
    yield folder / "packed.npz"


def _write_regions(folder: Path) -> Iterator[Path]:
    kinds = roifile.ROI_TYPE
    box = {"left": 4, "top": 2, "right": 29, "bottom": 32}
    path = [0, 2, 2, 1, 22, 2, 1, 22, 18, 1, 2, 18, 4, 0, 8, 6, 1, 8, 12, 1, 14, 12, 4]
    composite = roifile.ImagejRoi(roitype=kinds.RECT, **box)
    composite.shape_roi_size, composite.multi_coordinates = len(path), np.array(path, np.float32)
    exact = roifile.ImagejRoi(roitype=kinds.OVAL, **box)
    exact.options = roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    exact.xd, exact.yd, exact.widthd, exact.heightd = 3.5, 5.5, 14.0, 9.0
    polygon = roifile.ImagejRoi.frompoints(np.array([(3.2, 2.7), (40.1, 4), (9, 38)]))
    rois = {
        "rect": roifile.ImagejRoi(roitype=kinds.RECT, **box),
        "oval": exact,
        "polygon": polygon,
        "composite": composite,
    }
    for name, roi in rois.items():
        roi.name = name
        roi.tofile(folder / f"{name}.roi")
        yield folder / f"{name}.roi"
    roifile.roiwrite(folder / "several.zip", list(rois.values()))
    yield folder / "several.zip"
    mask = np.zeros(IMAGE, np.uint8)
    mask[3:9, 4:30] = 255
    tifffile.imwrite(folder / "mask.tif", mask, compression="zlib")
    yield folder / "mask.tif"


def _write_settings(folder: Path) -> Iterator[Path]:
    (folder / "all.toml").write_text(Settings().to_toml(), encoding="utf-8")
    yield folder / "all.toml"
    text = 'analysis = "blinking"\n[sweep]\nk_max = 5\nseed = 1\n[movie]\ndt_s = 0.03\n'
    text += '[preprocess]\nscales = ["W10", "W20"]\n[traces]\ndecimal = "comma"\n'
    (folder / "some.toml").write_text(text, encoding="utf-8")
    yield folder / "some.toml"
