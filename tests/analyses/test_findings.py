"""The search for inputs that are one file each."""

import os

import pytest

from umlpsd_gpu.analyses.findings import find_by_suffix, places_of
from umlpsd_gpu.errors import MovieError, SettingsError, UmlpsdError


def nothing_skipped(folder):
    return False


def find(archive, suffixes=(".npy",), open_one=str, is_skipped=nothing_skipped):
    return find_by_suffix(str(archive), suffixes, open_one, is_skipped)


def names_in(findings):
    return [found.path.relative_to(findings.root).as_posix() for found in findings.found]


@pytest.fixture
def archive(tmp_path):
    """Files with and without the suffix, in folders that are searched and folders that are not."""
    top = tmp_path / "archive"
    names = ["b.npy", "a.NPY", "c.csv", ".hidden.npy", "below/d.npy", ".git/e.npy", "out/f.npy"]
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("x")
    return top


def test_a_folder_is_searched_with_its_subfolders(archive):
    findings = find(archive, is_skipped=lambda folder: folder.name == "out")
    assert findings.root == archive
    assert names_in(findings) == ["a.NPY", "b.npy", "below/d.npy"]
    assert [found.files for found in findings.found] == [(f.path,) for f in findings.found]
    assert findings.left_out == []


def test_several_suffixes(archive):
    assert names_in(find(archive / "c.csv", (".npy", ".csv"))) == ["c.csv"]
    assert names_in(find(archive, (".csv",))) == ["c.csv"]
    assert find(archive, ()).found == []


def test_a_file_is_an_archive_of_one(archive):
    findings = find(archive / "b.npy")
    assert (findings.root, names_in(findings)) == (archive, ["b.npy"])
    # a file of another kind is no input
    assert find(archive / "c.csv").found == []


def test_patterns(archive):
    assert names_in(find(archive / "*.npy")) == ["b.npy"]
    assert names_in(find(archive / "*")) == ["a.NPY", "b.npy", "below/d.npy", "out/f.npy"]
    findings = find(archive / "**" / "*.npy")
    assert findings.root == archive
    assert names_in(findings) == ["b.npy", "below/d.npy", "out/f.npy"]
    # names are relative to the folder that all places share
    assert find(archive / "below" / "d.*").root == archive / "below"


@pytest.mark.parametrize("name", ["none.npy", "none", "*.tif", "b.npy/c"])
def test_nothing_there(archive, name):
    with pytest.raises(
        SettingsError, match=r"there is no file or folder .*; give a folder, a file"
    ):
        find(archive / name)


def test_an_empty_folder_is_no_error(tmp_path):
    findings = find(tmp_path)
    assert (findings.root, findings.found, findings.left_out) == (tmp_path, [], [])


def test_links_to_files_are_followed_and_links_to_folders_are_not(archive, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "g.npy").write_text("x")
    (archive / "folder_link").symlink_to(elsewhere)
    (archive / "file_link.npy").symlink_to(elsewhere / "g.npy")
    (archive / "circle").symlink_to(archive)
    found = names_in(find(archive))
    assert "file_link.npy" in found
    assert not [name for name in found if name.startswith(("folder_link", "circle"))]


def test_a_link_given_by_name_is_resolved(archive, tmp_path):
    (tmp_path / "link").symlink_to(archive)
    assert places_of(str(tmp_path / "link")) == (archive, [archive])


def test_a_broken_link_is_an_input_that_cannot_be_opened(archive):
    def open_one(name):
        if not os.path.exists(name):
            raise UmlpsdError(f"{name}: there is no such file")
        return name

    (archive / "broken.npy").symlink_to(archive / "gone.npy")
    (broken,) = [f for f in find(archive, open_one=open_one).found if f.source is None]
    assert broken.path.name == "broken.npy"
    assert broken.reason.endswith("there is no such file")


def test_a_folder_that_cannot_be_listed_is_left_out_with_the_reason(archive, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if os.path.basename(path) == "below":  # root may list any folder
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    findings = find(archive)
    assert "below/d.npy" not in names_in(findings)
    assert findings.left_out == [(archive / "below", "it can't be listed: Permission denied")]


def test_an_input_that_cannot_be_opened_keeps_its_reason(archive):
    def open_one(name):
        raise MovieError(name, "it is broken; record it again")

    (found,) = find(archive / "b.npy", open_one=open_one).found
    assert (found.source, found.reason) == (None, "it is broken; record it again")


def test_other_errors_are_not_hidden(archive):
    def open_one(name):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        find(archive, open_one=open_one)


def test_the_number_of_inputs_is_reported(archive):
    counts = []
    find_by_suffix(str(archive), (".npy",), str, nothing_skipped, counts.append)
    assert counts == [1, 2, 3, 4]
