"""The emitters of a live run in emitters.json, so that a killed run goes on with the same names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from umlpsd_gpu.analyses.blinking.settings import Settings
from umlpsd_gpu.errors import OutputError, OutputInUseError
from umlpsd_gpu.live.emitters import Emitters
from umlpsd_gpu.live.settings import LiveSettings
from umlpsd_gpu.movie.movie import Movie
from umlpsd_gpu.storage.json_files import read_json, write_json

FILE, FORMAT = "emitters.json", "umlpsd live emitters"


class EmitterStore:
    """Keeps emitters in a folder.

    Parameters
    ----------
    folder : Path
    movie : Movie
        Told from another by its name, size and first frame.
    settings : Settings
    live : LiveSettings
    """

    def __init__(self, folder: Path, movie: Movie, settings: Settings, live: LiveSettings) -> None:
        self._path = folder / FILE
        first_frame = hashlib.sha256(movie.read_frames(0, 1).tobytes()).hexdigest()
        traces = settings.traces.model_dump(mode="json", exclude={"memory_mb"})
        self._identity: dict[str, Any] = {
            "movie": movie.name,
            "frame_px": [movie.n_rows, movie.n_cols],
            "first_frame_sha256": first_frame,
            "settings": {"traces": traces, "live": {"first_frames": live.first_frames}},
        }

    def load(self, emitters: Emitters) -> None:
        """Restore the emitters of an earlier run on the same movie.

        Parameters
        ----------
        emitters : Emitters
            Stays as it is if there are none.

        Raises
        ------
        OutputInUseError
            If those in the folder are of another movie, or of other settings.
        """
        plain = read_json(self._path, FORMAT)
        if plain is None:
            return
        for name, value in self._identity.items():
            if plain.get(name) != value:
                what = "with other settings" if name == "settings" else "for another movie"
                raise OutputInUseError(
                    f"{self._path.parent} holds a live run {what}; give another folder with "
                    "--out, or the same movie and settings to continue it"
                )
        emitters.restore(plain)

    def save(self, emitters: Emitters) -> None:
        """Write the emitters atomically.

        Parameters
        ----------
        emitters : Emitters

        Raises
        ------
        OutputError
            If they can't be written.
        """
        try:
            write_json(self._path, {"format": FORMAT, **self._identity, **emitters.to_plain()})
        except OSError as error:
            raise OutputError(
                f"{self._path} can't be written ({error.strerror or error}): the analysis goes "
                "on, but a run that is interrupted now begins with new names of emitters; free "
                "some space"
            ) from error
