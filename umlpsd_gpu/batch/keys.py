"""The key of a result: while it stays the same, the result need not be computed again."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from umlpsd_gpu.settings import AnalysisSettings

Backend = Literal["cpu", "gpu"]
BACKENDS: tuple[Backend, ...] = ("cpu", "gpu")


def make_result_keys(content: str, settings: AnalysisSettings) -> dict[Backend, str]:
    """Return the key of a result for each class of device.

    Parameters
    ----------
    content : str
        Digest of the input.
    settings : AnalysisSettings

    Returns
    -------
    dict of str to str
        Class of device → SHA-256 in hexadecimal digits.
    """
    facts = {
        "content": content,
        "analysis": settings.analysis,
        "settings": settings.canonical().model_dump(mode="json"),
        "files": {name: _digest_file(file) for name, file in settings.named_files().items()},
        "umlpsd_gpu": version("umlpsd_gpu"),
    }
    return {
        backend: hashlib.sha256(
            json.dumps({**facts, "backend": backend}, sort_keys=True).encode()
        ).hexdigest()
        for backend in BACKENDS
    }


def _digest_file(name: str) -> str:
    try:
        return hashlib.sha256(Path(name).read_bytes()).hexdigest()
    except OSError:
        return "unreadable"
