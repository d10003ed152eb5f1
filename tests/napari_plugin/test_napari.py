"""The plugin in napari itself, offscreen."""

import os
import shutil
import subprocess
import sys
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.studies import small_study

MANIFEST = files("umlpsd_gpu.napari_plugin") / "napari.yaml"
XVFB = shutil.which("xvfb-run")
# a window needs OpenGL, which Qt's offscreen platform has not
IN_A_WINDOW = """
import sys
import napari
from npe2 import PluginManager, PluginManifest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
PluginManager.instance().register(PluginManifest.from_file(sys.argv[1]))
viewer = napari.Viewer(show=True)
viewer.open(sys.argv[2], plugin="umlpsd_gpu")
_, widget = viewer.window.add_plugin_dock_widget("umlpsd_gpu", "Trace of the clicked item")
viewer.reset_view()
points = viewer.layers["emitters [film_1.tif]"]
canvas = viewer.window._qt_viewer.canvas
for n in (3, 7):
    viewer.camera.center = points.data_to_world(points.data[n])
    QTest.qWait(50)
    native = canvas.native
    middle = QPoint(native.width() // 2, native.height() // 2)
    QTest.mouseMove(native, middle)
    QTest.mouseClick(native, Qt.MouseButton.LeftButton, pos=middle)
    QTest.qWait(50)
    print("=", *widget.shown, points.features["id"].iloc[n])
viewer.close()
"""


@pytest.fixture(scope="module")
def study():
    return small_study()


@pytest.fixture(scope="module")
def folder(study, tmp_path_factory):
    return study.save(tmp_path_factory.mktemp("napari") / "study")


def test_the_manifest_is_valid():
    npe2 = pytest.importorskip("npe2", reason="npe2 (extra 'napari') is not installed")
    manifest = npe2.PluginManifest.from_file(str(MANIFEST))
    manifest.validate_imports()
    assert manifest.name == "umlpsd_gpu"


@pytest.fixture
def viewer(folder, monkeypatch):
    """A viewer without a window, with the layers of a study and the widget."""
    pytest.importorskip("napari", reason="napari (extra 'napari') is not installed")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    from napari.components import ViewerModel
    from npe2 import PluginManager, PluginManifest
    from qtpy.QtWidgets import QApplication

    from umlpsd_gpu.napari_plugin.item_widget import ItemWidget

    application = QApplication.instance() or QApplication([])
    manager = PluginManager.instance()
    if "umlpsd_gpu" not in manager:
        manager.register(PluginManifest.from_file(str(MANIFEST)))
    model = ViewerModel()
    model.open(str(folder), plugin="umlpsd_gpu")
    return SimpleNamespace(model=model, widget=ItemWidget(model), application=application)


def click(viewer, position, ends_with="mouse_release"):
    event = SimpleNamespace(position=tuple(position), type="mouse_press")
    callback = viewer.model.mouse_drag_callbacks[-1]
    steps = callback(viewer.model, event)
    next(steps)
    event.type = ends_with
    return steps, event


def test_a_click_shows_the_trace_of_the_emitter(viewer, study):
    points = viewer.model.layers["emitters [film_1.tif]"]
    assert points.border_color.shape == (len(points.data), 4)
    for n in (2, 7):
        steps, _ = click(viewer, points.data_to_world(points.data[n] + 0.3))
        assert next(steps, None) is None
        table, row = viewer.widget.shown
        assert table == "traces"
        assert study.traces.ids[row] == points.features["id"].iloc[n]
        figure = viewer.widget.figure
        assert f"β {study.fit.beta[row]:.3f} (" in figure.get_suptitle()
        raw, _, spectrum = figure.axes
        np.testing.assert_array_equal(raw.lines[0].get_ydata(), study.traces.values[row])
        np.testing.assert_array_equal(spectrum.lines[0].get_ydata(), study.spectrum.psd[row])
        assert (spectrum.get_xscale(), len(spectrum.lines)) == ("log", 2)
        assert viewer.widget.number.value() == row


def test_a_drag_and_an_empty_place_change_nothing(viewer):
    points = viewer.model.layers["emitters [film_1.tif]"]
    steps, event = click(viewer, points.data_to_world(points.data[4]), "mouse_move")
    next(steps)
    event.type = "mouse_release"
    assert next(steps, None) is None
    click(viewer, (-1e3, -1e3))
    assert viewer.widget.shown is None


def test_the_number_chooses_a_trace_and_closing_ends_it(viewer, study):
    viewer.widget.number.setRange(0, 22)
    viewer.widget.number.setValue(9)
    assert viewer.widget.shown == ("traces", 9)
    assert study.traces.ids[9] in viewer.widget.figure.get_suptitle()
    n_callbacks = len(viewer.model.mouse_drag_callbacks)
    viewer.widget.close()
    assert len(viewer.model.mouse_drag_callbacks) == n_callbacks - 1


@pytest.mark.skipif(XVFB is None, reason="xvfb-run is not installed")
def test_real_clicks_in_a_real_window(folder, tmp_path):
    pytest.importorskip("napari", reason="napari (extra 'napari') is not installed")
    done = subprocess.run(
        [XVFB, "-a", "-s", "-screen 0 1280x800x24", sys.executable, "-c", IN_A_WINDOW]
        + [str(MANIFEST), str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"QT_QPA_PLATFORM": "xcb", "LIBGL_ALWAYS_SOFTWARE": "1"},
    )
    found = [line.split() for line in done.stdout.splitlines() if line.startswith("= ")]
    assert len(found) == 2, done.stderr
    for _, table, row, name in found:
        # ids of this study end with the number of the trace, from 1
        assert (table, name.rpartition(":")[2]) == ("traces", str(int(row) + 1))
