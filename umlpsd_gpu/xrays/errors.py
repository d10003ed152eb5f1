"""The error for X-ray spectra that can't be read or quantified."""

from __future__ import annotations

from umlpsd_gpu.errors import UmlpsdError


class XraySpectrumError(UmlpsdError, ValueError):
    """An X-ray spectrum can't be read or quantified, or not with these arguments."""
