"""Fixtures shared by every test."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data beside the checkout; a user's checkout has none."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data with real measurements is not on this machine")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An otherwise empty folder to put studies in."""
    place = tmp_path / "place"
    place.mkdir()
    return place
