"""The napari plugin: a reader of study folders, and a widget that plots the clicked item."""
