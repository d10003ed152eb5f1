"""The dock widget of the plugin: the trace, spectrum or curve of the item that is clicked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from matplotlib.backends.backend_qt import NavigationToolbar2QT
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSpinBox, QVBoxLayout, QWidget

from umlpsd_gpu.napari_plugin.item_figure import NOTHING_HERE, draw_item, draw_place
from umlpsd_gpu.napari_plugin.reader import METADATA, LayerSource
from umlpsd_gpu.plotting.style import house_style

SIZE_INCHES = 4.2, 5.5  # at first; the dock can be made wider


class ItemWidget(QWidget):
    """Plots the item that is clicked, or whose number is chosen.

    Parameters
    ----------
    napari_viewer : napari.Viewer
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.shown: tuple[str, int] | None = None
        self.figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        self.canvas = FigureCanvasQTAgg(self.figure)
        self.canvas.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.number = QSpinBox()
        self.number.setAccessibleName("Row of the item in its table")
        self.number.setRange(0, 0)
        self.number.valueChanged.connect(self._show_number)
        line = QHBoxLayout()
        line.addWidget(QLabel("Row of the item:"))
        line.addWidget(self.number, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(line)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(NavigationToolbar2QT(self.canvas, self))
        self._draw(lambda: self.figure.suptitle(NOTHING_HERE, fontsize=9))
        napari_viewer.mouse_drag_callbacks.append(self._on_mouse)

    def closeEvent(self, event: Any) -> None:
        """Leave the viewer when the widget is closed.

        Parameters
        ----------
        event : QCloseEvent
        """
        if self._on_mouse in self.viewer.mouse_drag_callbacks:
            self.viewer.mouse_drag_callbacks.remove(self._on_mouse)
        super().closeEvent(event)

    def show_place(self, position: tuple[float, ...]) -> None:
        """Plot the item at a place.

        Parameters
        ----------
        position : tuple of float
            In the coordinates of the viewer.
        """
        layer = self._layer()
        if layer is None:
            return
        source: LayerSource = layer.metadata[METADATA]
        row, col = map(float, layer.world_to_data(position)[-2:])
        if source.places is None:
            place = round(row), round(col)
            self._draw(lambda: draw_place(self.figure, source.contents, source.frame, *place))
            return
        item = source.places.nearest(row, col)
        if item is not None:
            self.show_item(source, item)

    def show_item(self, source: LayerSource, item: int) -> None:
        """Plot an item.

        Parameters
        ----------
        source : LayerSource
        item : int
            Its row in the table, from 0.
        """
        places = source.places
        if places is None:
            return
        table = source.contents.table_of(places.table)
        self.shown = places.table, item
        self.number.blockSignals(True)
        self.number.setRange(0, 0 if table is None else table.n_rows - 1)
        self.number.setValue(item)
        self.number.blockSignals(False)
        self._draw(lambda: draw_item(self.figure, source.contents, places, item))

    def _show_number(self, item: int) -> None:
        layer = self._layer()
        if layer is not None:
            self.show_item(layer.metadata[METADATA], item)

    def _layer(self) -> Any:
        """Return the chosen layer, or else the topmost visible one, of a study."""
        layers = [layer for layer in self.viewer.layers if METADATA in layer.metadata]
        active = self.viewer.layers.selection.active
        if active is not None and active.visible and METADATA in active.metadata:
            return active
        visible = [layer for layer in layers if layer.visible]
        return (visible or layers or [None])[-1]

    def _on_mouse(self, viewer: Any, event: Any) -> Iterator[None]:
        position = tuple(event.position)
        yield
        # a drag moves the picture
        if event.type != "mouse_move":
            self.show_place(position)
            return
        while event.type == "mouse_move":
            yield

    def _draw(self, draw: Any) -> None:
        with house_style():
            draw()
            self.canvas.draw()
