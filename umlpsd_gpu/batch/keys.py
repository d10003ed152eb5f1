"""What makes a study what it is: the key under which it need not be made again."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from umlpsd_gpu.analyses.blinking.settings import Settings

Backend = Literal["cpu", "gpu"]
BACKENDS: tuple[Backend, ...] = ("cpu", "gpu")


def canonical(settings: Settings) -> Settings:
    """Return the settings with those at their defaults that never change a result.

    They are what studies of a batch keep, so that where and with how many threads a study was made
    changes none of its bytes.
    """
    plain = Settings()
    movie = settings.movie.model_copy(update={"memory_mb": plain.movie.memory_mb})
    update = {"device": plain.device, "n_threads": plain.n_threads, "movie": movie}
    return settings.model_copy(update=update)


def study_keys(content: str, settings: Settings) -> dict[Backend, str]:
    """Return the key of a study by the class of device that makes it.

    Parameters
    ----------
    content : str
        Digest of the movie.
    settings : Settings
    """
    facts = {
        "content": content,
        "settings": canonical(settings).model_dump(mode="json"),
        "region": _digest_of_file(settings.traces.roi),
        "umlpsd_gpu": version("umlpsd_gpu"),
    }
    return {
        backend: hashlib.sha256(
            json.dumps({**facts, "backend": backend}, sort_keys=True).encode()
        ).hexdigest()
        for backend in BACKENDS
    }


def _digest_of_file(name: str | None) -> str:
    if name is None:
        return ""
    try:
        return hashlib.sha256(Path(name).read_bytes()).hexdigest()
    except OSError:
        return "unreadable"
