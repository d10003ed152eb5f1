"""Files → Movie: reading, metadata, integrity verdict."""

from umlpsd_gpu.movie.movie import Movie, Verdict
from umlpsd_gpu.movie.open import open_movie

__all__ = ["Movie", "Verdict", "open_movie"]
