"""The study that a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

StudyFolder = Annotated[
    Path, typer.Argument(metavar="STUDY", help="Study folder.", show_default=False)
]
