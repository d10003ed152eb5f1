"""What an archive holds, named safely and written down once."""

import json
import os

import numpy as np
import pytest
import tifffile

from tests.support.batches import QUICK, STUDY, make_archive, make_batch, write_movie
from tests.support.tiff_files import ome_xml
from umlpsd_gpu.analyses.blinking.find_movies import find_movies
from umlpsd_gpu.batch.fingerprint import N_SAMPLES, SAMPLE_BYTES, fingerprint
from umlpsd_gpu.batch.manifest import FORMAT, init_batch, read_manifest
from umlpsd_gpu.batch.names import movie_id, printable
from umlpsd_gpu.errors import OutputError, SettingsError
from umlpsd_gpu.movie.settings import MovieSettings
from umlpsd_gpu.storage.json_files import create_json, read_json, write_json

SMALL = {"n_frames": 3, "n_rows": 8, "n_cols": 8}


def names_of(manifest):
    return [entry.name for entry in manifest.movies]


class TestFindingMovies:
    def test_folders_below_are_searched_in_natural_order(self, tmp_path):
        for name in ("b/m10.tif", "b/m9.tif", "a/deep/m.ome.tif", ".hidden/m.tif", "x.txt"):
            write_movie(tmp_path / "archive" / name, **SMALL)
        manifest = make_batch(tmp_path / "archive", tmp_path / "out")
        assert names_of(manifest) == ["a/deep/m.ome.tif", "b/m9.tif", "b/m10.tif"]
        assert all(manifest.path_of(entry).is_file() for entry in manifest.movies)

    def test_a_folder_of_one_frame_files_is_one_movie(self, tmp_path):
        frames = tmp_path / "archive" / "frames"
        frames.mkdir(parents=True)
        for i in range(12):
            tifffile.imwrite(frames / f"img_{i}.tif", np.zeros((8, 8), np.uint16))
        write_movie(tmp_path / "archive" / "whole.tif", **SMALL)
        manifest = make_batch(tmp_path / "archive", tmp_path / "out")
        assert names_of(manifest) == ["frames", "whole.tif"]
        assert (manifest.movies[0].facts["n_frames"], manifest.movies[0].n_files) == (12, 12)
        alone = make_batch(frames, tmp_path / "alone")
        assert names_of(alone) == ["frames"]
        assert alone.path_of(alone.movies[0]) == frames

    def test_a_broken_frame_breaks_its_movie_only(self, tmp_path):
        frames = tmp_path / "archive" / "frames"
        frames.mkdir(parents=True)
        for i in range(6):
            tifffile.imwrite(frames / f"img_{i}.tif", np.zeros((8, 8), np.uint16))
        (frames / "img_3.tif").write_bytes(b"II*\0")
        (entry,) = make_batch(tmp_path / "archive", tmp_path / "out").movies
        assert entry.name == "frames"
        assert entry.verdict == "truncated"
        assert "img_3" in entry.reason

    def test_a_set_that_needs_a_choice_is_listed_once(self, tmp_path):
        folder = tmp_path / "archive" / "set"
        folder.mkdir(parents=True)
        data = "".join(
            f'<TiffData FirstC="{i % 2}" FirstT="{i // 2}" IFD="0" PlaneCount="1">'
            f'<UUID FileName="s_{i}.ome.tif">urn:uuid:{i}</UUID></TiffData>'
            for i in range(8)
        )
        for i in range(8):
            xml = ome_xml(4, data, str(i), n_channels=2)
            options = {"description": xml, "metadata": None}
            tifffile.imwrite(folder / f"s_{i}.ome.tif", np.zeros((9, 8), np.uint16), **options)
        (entry,) = make_batch(tmp_path / "archive", tmp_path / "out").movies
        assert (entry.name, entry.n_files) == ("set", 8)
        assert "channel (length 2)" in entry.reason

    def test_series_of_two_cameras_are_asked_about(self, tmp_path):
        for i in range(12):
            name = f"archive/frames/{('left', 'right')[i % 2]}_{i // 2}.tif"
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(tmp_path / name, np.zeros((8, 8), np.uint16))
        (entry,) = make_batch(tmp_path / "archive", tmp_path / "out").movies
        assert entry.name == "frames"
        assert "of 2 kinds" in entry.reason

    def test_parts_are_one_movie_if_they_are_to_be_joined(self, tmp_path):
        for i in range(3):
            write_movie(tmp_path / "archive" / f"part_{i}.tif", **SMALL)
        assert len(make_batch(tmp_path / "archive", tmp_path / "apart").movies) == 3
        found = find_movies(
            str(tmp_path / "archive"), MovieSettings(join=True), lambda folder: False
        ).found
        assert [(one.path.name, len(one.files)) for one in found] == [("archive", 3)]

    def test_single_images_are_left_out_and_told(self, tmp_path):
        write_movie(tmp_path / "archive" / "movie.tif", **SMALL)
        tifffile.imwrite(tmp_path / "archive" / "snapshot.tif", np.zeros((8, 8), np.uint16))
        manifest = make_batch(tmp_path / "archive", tmp_path / "out")
        assert names_of(manifest) == ["movie.tif"]
        assert [name for name, _ in manifest.left_out] == ["snapshot.tif"]

    def test_the_files_of_an_ome_set_are_one_movie(self, tmp_path):
        archive = tmp_path / "archive"
        archive.mkdir()
        xml = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
            '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" '
            'SizeX="8" SizeY="8" SizeZ="1" SizeC="1" SizeT="4">'
            '<Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
            + "".join(
                f'<TiffData IFD="{t % 2}" FirstT="{t}" PlaneCount="1"><UUID FileName="p{t // 2}'
                f'.ome.tif">urn:uuid:0000000{t // 2}-0000-0000-0000-000000000000</UUID></TiffData>'
                for t in range(4)
            )
            + "</Pixels></Image></OME>"
        )
        for part in range(2):
            frames = np.full((2, 8, 8), part, np.uint16)
            tifffile.imwrite(archive / f"p{part}.ome.tif", frames, description=xml, metadata=None)
        (entry,) = make_batch(archive, tmp_path / "out").movies
        assert (entry.facts["n_frames"], entry.n_files) == (4, 2)

    def test_results_and_links_to_folders_are_no_movies(self, tmp_path):
        archive = make_archive(tmp_path / "archive", 2, **SMALL)
        STUDY.save(archive / "a study")
        write_movie(archive / "a study" / "beta_map.ome.tif", **SMALL)
        (archive / "again").symlink_to(archive)
        for _ in range(2):  # the batch itself, in the archive, is not searched either
            manifest = make_batch(archive, archive / "out")
            write_movie(archive / "out" / "results" / "map.tif", **SMALL)
            assert names_of(manifest) == ["movie_0.tif", "movie_1.tif"]
            assert manifest.left_out == (("again", "links to folders are not followed"),)
        other = make_batch(archive, tmp_path / "elsewhere")
        assert names_of(other) == ["movie_0.tif", "movie_1.tif"]

    def test_patterns_and_single_movies(self, tmp_path):
        make_archive(tmp_path / "archive", 12, **SMALL)
        manifest = make_batch(tmp_path / "archive" / "movie_1*.tif", tmp_path / "out")
        assert names_of(manifest) == ["movie_1.tif", "movie_10.tif", "movie_11.tif"]
        one = make_batch(tmp_path / "archive" / "movie_1.tif", tmp_path / "one")
        assert names_of(one) == ["movie_1.tif"]

    def test_broken_movies_are_there_with_their_reason(self, tmp_path):
        archive = make_archive(tmp_path / "archive", 1)
        (archive / "broken.tif").write_text("no movie")
        (archive / "empty.tif").write_bytes(b"")
        whole = (archive / "movie_0.tif").read_bytes()
        (archive / "cut.tif").write_bytes(whole[: len(whole) // 2])
        by_name = {e.name: e for e in make_batch(archive, tmp_path / "out").movies}
        assert {name: entry.verdict for name, entry in by_name.items()} == {
            "broken.tif": "unreadable",
            "cut.tif": "truncated",
            "empty.tif": "unreadable",
            "movie_0.tif": "whole",
        }
        assert all(bool(e.reason) == (e.verdict != "whole") for e in by_name.values())
        assert by_name["movie_0.tif"].memory_mb > 100
        assert by_name["movie_0.tif"].duration_s > 1

    def test_nothing_there(self, tmp_path):
        with pytest.raises(SettingsError, match="there is no file or folder"):
            make_batch(tmp_path / "missing", tmp_path / "out")
        (tmp_path / "empty").mkdir()
        with pytest.raises(SettingsError, match="no movie"):
            make_batch(tmp_path / "empty", tmp_path / "out")
        assert not (tmp_path / "out").exists()


class TestManifest:
    def test_the_same_archive_gives_the_same_bytes(self, tmp_path):
        archive = make_archive(tmp_path / "archive", 3, **SMALL)
        for out in ("one", "two"):
            make_batch(archive, tmp_path / out)
        texts = [(tmp_path / out / "manifest.json").read_bytes() for out in ("one", "two")]
        assert texts[0] == texts[1]
        assert read_manifest(tmp_path / "one") == read_manifest(tmp_path / "two")

    def test_rounded_times_of_change_are_the_same_and_others_are_not(self, tmp_path):
        archive, out = make_archive(tmp_path / "archive", 2), tmp_path / "out"
        make_batch(archive, out)
        written = (out / "manifest.json").read_bytes()
        movie = archive / "movie_0.tif"
        then = movie.stat().st_mtime
        os.utime(movie, (then, then + 0.9))
        make_batch(archive, out)
        assert (out / "manifest.json").read_bytes() == written
        os.utime(movie, (then, then + 5))
        with pytest.raises(OutputError, match="written to since"):
            make_batch(archive, out)

    def test_it_is_written_once(self, tmp_path):
        archive = make_archive(tmp_path / "archive", 1, **SMALL)
        make_batch(archive, tmp_path / "out")
        before = (tmp_path / "out/manifest.json").read_bytes()
        make_batch(archive, tmp_path / "out")
        other = QUICK.with_values({"sweep.seed": 3})
        with pytest.raises(OutputError, match="--update"):
            make_batch(archive, tmp_path / "out", other)
        assert (tmp_path / "out/manifest.json").read_bytes() == before
        make_batch(archive, tmp_path / "out", other, update=True)
        assert read_manifest(tmp_path / "out").settings.sweep.seed == 3
        (kept,) = (tmp_path / "out/manifests").iterdir()
        assert read_json(kept, FORMAT) == json.loads(before)

    @pytest.mark.parametrize("damage", [lambda text: text[:99], lambda text: "{}", str.upper])
    def test_a_damaged_one_is_told_and_can_be_replaced(self, tmp_path, damage):
        archive = make_archive(tmp_path / "archive", 1, **SMALL)
        make_batch(archive, tmp_path / "out")
        path = tmp_path / "out/manifest.json"
        path.write_text(damage(path.read_text()))
        with pytest.raises(SettingsError, match="--update"):
            read_manifest(tmp_path / "out")
        make_batch(archive, tmp_path / "out", update=True)
        assert len(read_manifest(tmp_path / "out").movies) == 1

    def test_no_pixel_is_read(self, tmp_path, monkeypatch):
        from umlpsd_gpu.movie.reader import RawReader

        archive = make_archive(tmp_path / "archive", 2, **SMALL)

        def refuse(*given):
            raise AssertionError("pixels were read")

        monkeypatch.setattr(RawReader, "_fill", refuse)
        assert len(make_batch(archive, tmp_path / "out").movies) == 2


HARD_NAMES = [
    "two words.tif",
    "new\nline.tif",
    "tab\tand 'quotes\" $HOME `ls` ;.tif",
    "-rf.tif",
    "…τίφ и 影像.tif",
    "e\u0301 and \u00e9.tif",
    "ä" * 125 + ".tif",
    "CON.tif",
    b"latin-1 \xe9.tif".decode("utf-8", "surrogateescape"),
    "a%2Fb.tif",
    "x.000001.deadbeef.tif",
]


class TestNames:
    @pytest.mark.parametrize("name", [*HARD_NAMES, "..tif.tif", "", "/", "a/"])
    def test_ids_are_safe_and_printable(self, name):
        made = movie_id(f"some/folder/{name}")
        assert len(made.encode()) <= 75
        assert all(c.isalnum() or c in "._-" for c in made)
        assert not made.startswith((".", "-"))
        assert printable(name).isprintable()
        assert movie_id(f"other/folder/{name}") != made

    def test_hard_names_survive(self, tmp_path):
        archive = tmp_path / "archive"
        for i, name in enumerate(HARD_NAMES):
            write_movie(archive / name, seed=i, **SMALL)
        manifest = make_batch(archive, tmp_path / "out")
        assert set(names_of(manifest)) == set(HARD_NAMES)
        again = read_manifest(tmp_path / "out")
        assert all(again.path_of(entry).is_file() for entry in again.movies)
        assert len({entry.id.lower() for entry in again.movies}) == len(HARD_NAMES)
        assert {entry.verdict for entry in again.movies} == {"whole"}


class TestFingerprints:
    def test_what_changes_them(self, tmp_path):
        path = tmp_path / "movie"
        content = np.random.default_rng(0).bytes(1_000_000)
        path.write_bytes(content)
        original = fingerprint([path])
        for place in (0, 70_000 // 2, 999_999):
            changed = bytearray(content)
            changed[place] ^= 1
            path.write_bytes(changed)
            assert fingerprint([path]) != original
        path.write_bytes(content + b"x")
        assert fingerprint([path]) != original
        copy = tmp_path / "copy under another name"
        copy.write_bytes(content)
        assert fingerprint([copy]) == original

    def test_every_byte_counts_in_full_ones(self, tmp_path):
        path = tmp_path / "movie"
        content = bytearray(2_000_000)
        path.write_bytes(content)
        sampled, full = fingerprint([path]), fingerprint([path], "full")
        content[2_000_000 // (N_SAMPLES + 1) + SAMPLE_BYTES + 66_000] = 1
        path.write_bytes(content)
        assert fingerprint([path], "full") != full
        assert fingerprint([path]) == sampled, "this byte lies between the samples"

    def test_files_of_frames_count_with_their_names(self, tmp_path):
        files = [tmp_path / f"{i}" for i in range(3)]
        for i, file in enumerate(files):
            file.write_bytes(bytes([i]) * 100)
        original = fingerprint(files)
        assert fingerprint(files[::-1]) != original
        files[1].write_bytes(b"x" * 100)
        assert fingerprint(files) != original
        assert fingerprint([tmp_path / "missing"]) == ""


class TestDurableFiles:
    def test_one_creator(self, tmp_path):
        assert create_json(tmp_path / "a", {"format": "", "v": 1})
        assert not create_json(tmp_path / "a", {"format": "", "v": 2})
        assert read_json(tmp_path / "a") == {"format": "", "v": 1}
        write_json(tmp_path / "a", {"format": "", "v": 3})
        assert read_json(tmp_path / "a")["v"] == 3
        assert os.listdir(tmp_path) == ["a"]

    def test_without_hard_links(self, tmp_path, monkeypatch):
        def refuse(*paths):
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
        self.test_one_creator(tmp_path)

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other"}', "\x00"])
    def test_what_is_not_ours_is_none(self, tmp_path, text):
        (tmp_path / "a").write_text(text)
        assert read_json(tmp_path / "a", "ours") is None
        assert read_json(tmp_path / "missing") is None


def test_init_from_python_needs_only_two_names(tmp_path):
    write_movie(tmp_path / "archive/m.tif", **SMALL)
    manifest = init_batch(str(tmp_path / "archive"), tmp_path / "out")
    assert manifest.figures
    assert manifest.settings.sweep.k_max == 15
