"""OME sets, companion files, and movies in parts."""

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.movies import array_movie
from tests.support.tiff_files import frames_of, ome_xml, write_noted
from umlpsd_gpu.analyses.blinking.coincidence import note_coincidences
from umlpsd_gpu.analyses.blinking.open import open_sources
from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import MovieError
from umlpsd_gpu.movie import open_movie
from umlpsd_gpu.traces.traces import Traces

FRAMES = frames_of(24)
TIMES = 'TimeIncrement="50" TimeIncrementUnit="ms"'


def assert_frames(movie, expected=FRAMES):
    assert movie.verdict.status == "whole"
    np.testing.assert_array_equal(movie.read_frames(0, movie.n_frames), expected)


def write_set(folder, names=None, with_names=True, companion=None, n_files=3):
    """Write an OME set under other names than its XML gives; ``companion``: where the XML is."""
    folder.mkdir(exist_ok=True)
    parts = np.array_split(FRAMES, n_files)
    starts = np.cumsum([0, *map(len, parts)])
    own = [f"s_{i}.ome.tif" for i in range(n_files)]
    data = "".join(
        f'<TiffData FirstT="{start}" IFD="0" PlaneCount="{len(part)}"><UUID'
        + (f' FileName="{name}"' if with_names else "")
        + f">urn:uuid:u{i}</UUID></TiffData>"
        for i, (start, part, name) in enumerate(zip(starts, parts, own, strict=False))
    )
    for i, part in enumerate(parts):
        xml = ome_xml(24, data, f"u{i}", TIMES)
        if companion and not (companion == own[0] and i == 0):
            xml = (
                '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
                f'UUID="urn:uuid:u{i}"><BinaryOnly MetadataFile="{companion}" UUID="c"/></OME>'
            )
        path = folder / (names or own)[i]
        tifffile.imwrite(path, part, description=xml, metadata=None)
    if companion and companion.endswith(".companion.ome"):
        (folder / companion).write_text(ome_xml(24, data, "c", TIMES), encoding="utf-8")
    return folder


SETS = {
    "as written": {},
    "one renamed": {"names": ["s_0.ome.tif", "b.ome.tif", "s_2.ome.tif"]},
    "all renamed": {"names": ["x.ome.tif", "y.ome.tif", "z.tif"]},
    "UUIDs without names": {"with_names": False},
    "companion file": {"companion": "set.companion.ome"},
    "companion, renamed": {"companion": "a.companion.ome", "names": ["q.tif", "r.tif", "t.tif"]},
    "companion without names": {"companion": "set.companion.ome", "with_names": False},
    "the first file has the XML": {"companion": "s_0.ome.tif"},
}


@pytest.mark.parametrize("options", SETS.values(), ids=SETS.keys())
def test_any_file_of_a_set_opens_the_whole(tmp_path, options):
    folder = write_set(tmp_path / "set", **options)
    for source in (folder, *sorted(folder.iterdir())):
        movie = open_movie(source)
        assert_frames(movie)
        assert movie.dt_s == pytest.approx(0.05)


def test_a_missing_companion_is_named(tmp_path):
    folder = write_set(tmp_path / "set", companion="set.companion.ome")
    (folder / "set.companion.ome").unlink()
    with pytest.raises(MovieError, match=r"open set\.companion\.ome instead.*in the same folder"):
        open_movie(folder / "s_0.ome.tif")


def test_a_companion_without_its_files_is_told(tmp_path):
    folder = write_set(tmp_path / "set", companion="set.companion.ome")
    for file in folder.glob("*.tif"):
        file.unlink()
    with pytest.raises(MovieError, match=r"no file of this OME set is in its folder \(s_0\.ome"):
        open_movie(folder / "set.companion.ome")


@pytest.mark.parametrize("text", ["", "<xml/>", "{}", "<OME><Image></OME>"])
def test_a_broken_companion(tmp_path, text):
    (tmp_path / "set.companion.ome").write_text(text, encoding="utf-8")
    with pytest.raises(MovieError):
        open_movie(tmp_path / "set.companion.ome")


def test_ome_xml_that_announces_one_frame(tmp_path):
    path = tmp_path / "m.ome.tif"
    xml = ome_xml(1, '<TiffData IFD="0" PlaneCount="1"/>')
    tifffile.imwrite(path, FRAMES, description=xml, metadata=None)
    with pytest.raises(
        MovieError, match=r"announces 1 frame, but the file contains 24 pages.*--time-axis page"
    ):
        open_movie(path)
    assert_frames(open_movie(path, time_axis="page"))


def test_an_unknown_unit_of_ome_is_named(tmp_path):
    path = tmp_path / "m.ome.tif"
    xml = ome_xml(24, attributes='TimeIncrement="3" TimeIncrementUnit="fortnight"')
    tifffile.imwrite(path, FRAMES, description=xml, metadata=None)
    with pytest.raises(MovieError, match=r"TimeIncrement=3 in 'fortnight' is not understood"):
        open_movie(path).known_dt_s()


WRITERS = {
    "plain": {},
    "no description": {"metadata": None},
    "ImageJ": {"imagej": True, "metadata": {"axes": "TYX"}},
    "OME": {"ome": True, "metadata": {"axes": "TYX"}},
    "deflate": {"compression": "zlib"},
    "big-endian": {"byteorder": ">"},
}


def write_parts(folder, names=("part_1.tif", "part_2.tif", "part_10.tif"), **options):
    folder.mkdir(exist_ok=True)
    for name, part in zip(names, np.array_split(FRAMES, len(names)), strict=True):
        tifffile.imwrite(folder / name, part, **{"photometric": "minisblack"} | options)
    return folder


@pytest.mark.parametrize("options", WRITERS.values(), ids=WRITERS.keys())
def test_parts_are_joined_on_request(tmp_path, options):
    folder = write_parts(tmp_path / "parts", ("p1.tif", "p2.tif", "p3.tif"), **options)
    with pytest.raises(MovieError, match=r"there are 3 TIFF files.*--join"):
        open_movie(folder)
    assert_frames(open_movie(folder, join=True))
    assert_frames(open_movie(folder / "p*.tif", join=True))
    assert_frames(open_movie(sorted(folder.iterdir()), join=True))


def test_parts_are_joined_in_the_command_line(tmp_path):
    files = sorted(map(str, write_parts(tmp_path / "parts", ("a.tif", "b.tif")).iterdir()))
    (movie,) = open_sources(files, Settings().with_values({"movie.join": True}))
    assert_frames(movie)
    assert len(open_sources(files, Settings())) == 2


@pytest.mark.parametrize(
    "names",
    [
        ("movie.tif", "movie_1.tif", "movie_2.tif"),
        ("movie.tif", "movie-file002.tif", "movie-file003.tif"),
        ("m_00000.tif", "m_01000.tif", "m_02000.tif"),
    ],
)
def test_names_that_cameras_give_to_parts(tmp_path, names):
    assert_frames(open_movie(write_parts(tmp_path / "parts", names), join=True))


@pytest.mark.parametrize("names", [("p1.tif", "p2.tif", "p4.tif"), ("p1.tif", "p3.tif")])
def test_a_missing_part_is_named(tmp_path, names):
    folder = write_parts(tmp_path / "parts", names)
    with pytest.raises(MovieError, match=rf"between {names[-2]} and {names[-1]} a part .* missing"):
        open_movie(folder, join=True)


def test_what_can_not_be_joined(tmp_path):
    folder = write_parts(tmp_path / "parts", ("p1.tif", "p2.tif", "other.tif"))
    with pytest.raises(MovieError, match="of 2 kinds"):
        open_movie(folder, join=True)
    (folder / "other.tif").unlink()
    tifffile.imwrite(folder / "p2.tif", FRAMES[:12, :5], photometric="minisblack")
    with pytest.raises(MovieError, match=r"mixed: 8 of 20 frames are sound"):
        open_movie(folder, join=True)
    stack = FRAMES.reshape(12, 2, 9, 8)
    tifffile.imwrite(folder / "p2.tif", stack, imagej=True, metadata={"axes": "TCYX"})
    with pytest.raises(MovieError, match=r"channel 2 where p1\.tif has time alone"):
        open_movie(folder, join=True, channel=0)


def test_a_cut_part_truncates_the_whole(tmp_path):
    folder = write_parts(tmp_path / "parts", ("p1.tif", "p2.tif", "p3.tif"), **WRITERS["ImageJ"])
    blob = (folder / "p2.tif").read_bytes()
    (folder / "p2.tif").write_bytes(blob[: len(blob) // 2])
    with pytest.raises(MovieError, match="the movie is truncated"):
        open_movie(folder, join=True)
    movie = open_movie(folder, join=True, allow_damaged=True)
    assert 8 <= movie.n_frames < 16
    np.testing.assert_array_equal(movie.read_frames(0, movie.n_frames), FRAMES[: movie.n_frames])


def test_slices_of_parts_are_joined_as_time(tmp_path):
    options = {"imagej": True, "metadata": {"axes": "ZYX"}}
    folder = write_parts(tmp_path / "parts", ("p1.tif", "p2.tif"), **options)
    assert_frames(open_movie(folder, join=True, time_axis="z"))


@settings(max_examples=25, deadline=None)
@given(
    n_files=st.integers(2, 4),
    n_channels=st.integers(1, 2),
    restarts=st.booleans(),
    start=st.sampled_from([0, 1, 7, 98]),
)
def test_parts_of_micromanager(tmp_path_factory, n_files, n_channels, restarts, start):
    folder = tmp_path_factory.mktemp("parts")
    n_times = 4 * n_files
    frames = frames_of(n_times * n_channels)
    for file in range(n_files):
        first = 0 if restarts else 4 * file
        notes = [
            {"FrameIndex": first + t, "ChannelIndex": c, "ElapsedTime-ms": 50 * (first + t)}
            for t in range(4)
            for c in range(n_channels)
        ]
        part = frames[file * len(notes) : (file + 1) * len(notes)]
        write_noted(folder / f"part_{start + file}.tif", part, notes)
    movie = open_movie(folder, join=True, channel=n_channels - 1)
    assert_frames(movie, frames[n_channels - 1 :: n_channels])
    assert movie.dt_s == pytest.approx(0.05, rel=0.02)


def traces_at(rows, cols):
    n = len(rows)
    return Traces(
        values=np.random.default_rng(0).random((n, 5)),
        dt_s=0.1,
        ids=tuple(f"e{i}" for i in range(n)),
        source=("m",) * n,
        rows=np.asarray(rows, float),
        cols=np.asarray(cols, float),
    )


def test_movies_whose_emitters_coincide_are_noted():
    rng = np.random.default_rng(1)
    rows, cols = rng.uniform(0, 128, (2, 20))
    movies = [array_movie(np.zeros((5, 128, 128), "u2"), name=f"dots_{i}.tif") for i in range(3)]
    parts = [traces_at(rows + shift, cols) for shift in (0, 0.4, 0.8)]
    (note,) = note_coincidences(movies, parts)
    assert note.startswith("20 of 20 emitters of dots_1.tif are where those of dots_0.tif are")
    assert "--join" in note
    others = [traces_at(*rng.uniform(0, 128, (2, 20))) for _ in range(3)]
    assert note_coincidences(movies, others) == []
