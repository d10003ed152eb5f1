"""The picture of the architecture is that of the imports."""

import importlib.util
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def draw():
    spec = importlib.util.spec_from_file_location("draw", DOCS / "draw_architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(DOCS))


def package_of(folder, files):
    """Write a package of one-line files."""
    for name, text in files.items():
        path = folder / "umlpsd_gpu" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""About {path.stem}."""\n{text}\n')
    return folder / "umlpsd_gpu"


def test_the_committed_picture_is_that_of_the_imports(draw):
    drawn = draw.drawing_of(draw.read_house())
    assert draw.PICTURE.read_text("utf-8") == drawn, "run: python docs/draw_architecture.py"


def test_every_room_has_a_box_that_says_what_it_is_for(draw):
    house = draw.read_house()
    rooms = {path.name for path in (DOCS.parent / "umlpsd_gpu").iterdir() if path.is_dir()}
    assert set(house.captions) >= rooms - {"__pycache__", "kernels"}
    assert all(house.captions.values())
    svg = ElementTree.fromstring(draw.drawing_of(house))
    drawn = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert drawn >= set(house.captions)


def test_a_room_stands_above_what_it_imports(draw, tmp_path):
    files = {
        "__init__.py": "from umlpsd_gpu.top import a",
        "ground.py": "",
        "middle/__init__.py": "",
        "middle/a.py": "def f():\n    import umlpsd_gpu.ground",
        "top/__init__.py": "",
        "top/a.py": "from umlpsd_gpu.ground import x\nfrom umlpsd_gpu.middle.a import f",
    }
    house = draw.read_house(package_of(tmp_path, files))
    assert draw.floors_of(house) == {"ground": 1, "middle": 2, "top": 3}
    # top → ground follows from the other two
    assert draw.essential_imports(house) == [("middle", "ground"), ("top", "middle")]
    assert draw.upward_imports(house) == set()


def test_an_import_that_closes_a_circle_is_drawn_as_one_that_should_not_be(draw, tmp_path):
    files = {
        "low.py": "from umlpsd_gpu.high.a import x",
        "high/__init__.py": "",
        "high/a.py": "from umlpsd_gpu import low",
        "high/b.py": "import umlpsd_gpu.low",
    }
    house = draw.read_house(package_of(tmp_path, files))
    assert draw.upward_imports(house) == {("low", "high")}
    assert 'class="up"' in draw.drawing_of(house)


def test_analyses_are_rooms_of_their_own_above_their_protocol(draw, tmp_path):
    files = {
        "analyses/__init__.py": "",
        "analyses/protocol.py": "",
        "analyses/registry.py": "from umlpsd_gpu.analyses import protocol",
        "analyses/blinking/__init__.py": "",
        "analyses/blinking/run.py": "from umlpsd_gpu.analyses.protocol import Analysis",
    }
    floors = draw.floors_of(draw.read_house(package_of(tmp_path, files)))
    assert floors == {"analyses": 1, "analyses/blinking": 2}
