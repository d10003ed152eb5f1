"""A batch of an older version is refused in one sentence that says what to do."""

import json

import pytest

from tests.support.batches import make_archive, make_batch
from umlpsd_gpu.batch.manifest import init_batch, read_manifest
from umlpsd_gpu.batch.status import read_status
from umlpsd_gpu.errors import SettingsError


@pytest.fixture
def old(tmp_path):
    """A folder as umlpsd_gpu wrote it before there were several analyses."""
    out = tmp_path / "out"
    make_batch(make_archive(tmp_path / "archive", 1), out)
    values = json.loads((out / "manifest.json").read_text())
    del values["analysis"]
    (out / "manifest.json").write_text(json.dumps({**values, "format_version": 1}))
    return tmp_path


@pytest.mark.parametrize("look", [read_manifest, read_status])
def test_it_is_refused_with_what_to_do(old, look):
    with pytest.raises(SettingsError, match=r"another format \(version 1.*init --update"):
        look(old / "out")


def test_and_update_writes_it_anew(old):
    init_batch(str(old / "archive"), old / "out", update=True)
    assert len(read_manifest(old / "out").movies) == 1
