"""Makes docs/images/result.png, the picture of the README: python docs/draw_example.py

Runs ``umlpsd demo`` and puts three figures of its study together.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

PICTURE = Path(__file__).resolve().parent / "images" / "result.png"
WIDTH, GAP, N_COLOURS = 1640, 24, 128
UMLPSD = "from umlpsd_gpu.cli.main import main; main()"


def main() -> None:
    """Run the demo and write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", UMLPSD, "demo", "--out", folder], check=True)
        names = ("trajectories", "images", "power_spectra")
        figures = Path(folder) / "study" / "figures"
        left, *right = (Image.open(figures / f"{name}.png").convert("RGB") for name in names)
        page = side_by_side(left, right)
    page = page.resize((WIDTH, round(WIDTH * page.height / page.width)), Image.Resampling.LANCZOS)
    page.quantize(N_COLOURS).save(PICTURE, optimize=True)


def side_by_side(left: Image.Image, right: list[Image.Image]) -> Image.Image:
    """Put an image to the left of others that stand on each other, at equal height."""
    free = left.height - GAP * (len(right) - 1)
    width = round(free / sum(image.height / image.width for image in right))
    page = Image.new("RGB", (left.width + GAP + width, left.height), "white")
    page.paste(left, (0, 0))
    y = 0
    for image in right:
        image = image.resize((width, round(width * image.height / image.width)))
        page.paste(image, (left.width + GAP, y))
        y += image.height + GAP
    return page


if __name__ == "__main__":
    main()
