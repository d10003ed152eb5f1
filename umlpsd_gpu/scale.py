"""The smoothing scale: raw, W80 (80 frames per bin) or WL6 (level-6 wavelet approximation)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from umlpsd_gpu.errors import SettingsError


@dataclass(frozen=True)
class Scale:
    """How traces are smoothed before clustering.

    Attributes
    ----------
    kind : {"raw", "bin", "wavelet"}
    size : int
        Frames per bin, or wavelet level; 0 for raw.
    """

    kind: Literal["raw", "bin", "wavelet"]
    size: int = 0

    @classmethod
    def parse(cls, name: str) -> Scale:
        """Read the name of a scale.

        Parameters
        ----------
        name : str
            ``"raw"``, ``"W80"`` (80 frames per bin) or ``"WL6"`` (wavelet level 6).

        Returns
        -------
        Scale

        Raises
        ------
        SettingsError
            If it is another text.

        Examples
        --------
        >>> Scale.parse("W80")
        Scale(kind='bin', size=80)
        >>> Scale.parse("WL6").n_frames_averaged
        64
        """
        if name.strip().lower() == "raw":
            return cls("raw")
        match = re.fullmatch(r"(WL|W)(\d{1,7})", name.strip(), flags=re.IGNORECASE)
        if match is None or int(match[2]) == 0:
            raise SettingsError(
                f"scale '{name}' is unknown; write 'raw', 'W80' (frames per bin) "
                "or 'WL6' (wavelet level)"
            )
        return cls("wavelet" if match[1].upper() == "WL" else "bin", int(match[2]))

    @property
    def name(self) -> str:
        """Name as in settings: ``"raw"``, ``"W80"`` or ``"WL6"``."""
        return {"raw": "raw", "bin": f"W{self.size}", "wavelet": f"WL{self.size}"}[self.kind]

    @property
    def n_frames_averaged(self) -> int:
        """Number of frames averaged in one smoothed sample: 1, W, or 2^L."""
        if self.kind == "wavelet":
            return 1 << self.size
        return self.size if self.kind == "bin" else 1
