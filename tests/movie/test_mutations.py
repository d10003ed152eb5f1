"""Changed bytes in files of every importer: our own error or a valid movie, in bounded time."""

import time

import numpy as np
import pytest
import tifffile

from tests.movie.test_hostile import FUZZ_ROUNDS, assert_valid, mutated
from tests.support.tiff_files import (
    frames_of,
    ome_xml,
    write_index,
    write_noted,
    write_stk,
    write_texts,
)
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie
from umlpsd_gpu.movie.settings import MovieSettings

FRAMES = frames_of(8)
LENIENT = MovieSettings(allow_damaged=True, channel=0, missing_frames="skip")


def write_ndtiff(folder):
    path = folder / "NDTiffStack.tif"
    write_noted(path, FRAMES, [{"ElapsedTime-ms": 5 * i} for i in range(8)])
    with tifffile.TiffFile(path) as tif:
        offsets = [page.dataoffsets[0] for page in tif.pages]
    axes = [{"time": i // 2, "channel": i % 2} for i in range(8)]
    write_index(folder, [(a, path.name, o, (9, 8)) for a, o in zip(axes, offsets, strict=True)])
    return path, folder / "NDTiff.index"


def write_companion(folder):
    data = (
        '<TiffData IFD="0" PlaneCount="8"><UUID FileName="m.ome.tif">urn:uuid:1</UUID></TiffData>'
    )
    pointer = '<OME UUID="urn:uuid:1"><BinaryOnly MetadataFile="m.companion.ome" UUID="2"/></OME>'
    tifffile.imwrite(folder / "m.ome.tif", FRAMES, description=pointer, metadata=None)
    (folder / "m.companion.ome").write_text(ome_xml(8, data, "2"), encoding="utf-8")
    return folder / "m.ome.tif", folder / "m.companion.ome"


def write_metamorph(folder):
    path = write_stk(folder / "m.stk", FRAMES, [50 * i for i in range(8)])
    return path, path


def write_scanimage(folder):
    texts = [f"frameNumbers = {i // 2}\nframeTimestamps_sec = {i}\n" for i in range(8)]
    path = write_texts(folder / "m.tif", FRAMES, texts, "SI.hChannels.channelSave = [1;2]")
    return path, path


def write_axes(folder):
    path = write_noted(folder / "m.tif", FRAMES, [{"Axes": {"time": i, "z": 0}} for i in range(8)])
    return path, path


WRITERS = [write_ndtiff, write_companion, write_metamorph, write_scanimage, write_axes]


@pytest.mark.parametrize("write", WRITERS)
def test_mutated_files_give_our_error_or_a_valid_movie(tmp_path, write):
    source, changed = write(tmp_path)
    assert open_movie(source, LENIENT.model_copy(update={"channel": None, "time_axis": "page"}))
    blob, rng = changed.read_bytes(), np.random.default_rng(0)
    outcomes = {"opened": 0, "refused": 0}
    slowest_s = 0.0
    for _ in range(FUZZ_ROUNDS):
        changed.write_bytes(mutated(blob, rng))
        start = time.perf_counter()
        try:
            assert_valid(open_movie(source, LENIENT))
            outcomes["opened"] += 1
        except MovieError:
            outcomes["refused"] += 1
        slowest_s = max(slowest_s, time.perf_counter() - start)
    assert min(outcomes.values()) > 5
    assert slowest_s < 5
