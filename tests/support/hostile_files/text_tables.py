"""CSV files and settings that are no plain text, or claim what they don't hold."""

from __future__ import annotations

from tests.support.hostile_files.case import HostileFile, from_bytes
from tests.support.hostile_files.seeds import SMALL, TIMES
from tests.support.tables import NAMES, cells
from umlpsd_gpu.analyses.blinking.settings import Settings

ROWS = cells(TIMES, SMALL, NAMES[:4])
LINES = [",".join(row) for row in ROWS]
TEXT = "\n".join(LINES) + "\n"
VALUE = (4, 30, 0.05)


def _csv(name: str, content: str | bytes, **verdict: object) -> HostileFile:
    blob = content if isinstance(content, bytes) else content.encode()
    return HostileFile(name, "CSV", from_bytes("t.csv", blob), **verdict)


def _toml(name: str, content: str | bytes, **verdict: object) -> HostileFile:
    blob = content if isinstance(content, bytes) else content.encode()
    return HostileFile(name, "TOML", from_bytes("s.toml", blob), **verdict)


def _replaced(row: int, text: str) -> str:
    return "\n".join([*LINES[:row], text, *LINES[row + 1 :]]) + "\n"


CASES = [
    _csv("UTF-16 with its mark", TEXT.encode("utf-16"), opens=VALUE),
    _csv("UTF-32 with its mark", TEXT.encode("utf-32"), opens=VALUE),
    _csv("UTF-16 cut in a letter", TEXT.encode("utf-16")[:-1], refused="begins like UTF-16"),
    _csv("UTF-16 without its mark", TEXT.encode("utf-16-le"), refused="--encoding utf-16-le"),
    _csv("Latin-1", TEXT.replace("QD1", "µ").encode("latin-1"), refused="--encoding latin-1"),
    _csv("zeros among the letters", TEXT.replace("QD2", "Q\0"), refused="zero bytes"),
    _csv("a quote that never ends", _replaced(3, f'"{LINES[3]}'), refused="row 4"),
    _csv("a line break outside quotes", _replaced(3, '1"2\n3"4,5,6,7'), refused="row [45]"),
    _csv("a cell of 200,000 letters", _replaced(3, "x" * 200_000 + ',"1",2,3,4'), refused="row 4"),
    _csv(
        "a cell of 300,000 digits",
        _replaced(3, "0.1," + "9" * 300_000 + ",1,1,1"),
        refused="below 1.8e308",
    ),
    _csv("a million columns in one row", _replaced(3, "," * 1_000_000), refused="row 4"),
    _csv("a million empty rows", TEXT + "\n" * 1_000_000, opens=VALUE),
    _csv("a row that is cut off", TEXT[:-20], refused="row 31, the last one, is cut off"),
    _csv(
        "numbers that overflow",
        _replaced(3, "0.1,1e999,-1e999,1,1"),
        refused="row 4, column 2 contains '1e999'",
    ),
    _csv("only separators", ",,,,\n" * 1000, refused="no rows of numbers"),
    _csv("only comments", "# a\n" * 1000, refused="no rows"),
    _csv("times that stand still", TEXT.replace("0.050", "0.000"), refused="time"),
    _csv("digits of another script", TEXT.replace("1", "١"), opens=VALUE),
    _toml("an empty file of settings", "", opens=Settings().to_toml()),
    _toml("nested 40,000 deep", "a = " + "[" * 40_000, refused="can't be read as TOML"),
    _toml("dotted 100,000 deep", "a" + ".a" * 100_000 + " = 1", refused="has 200005 bytes"),
    _toml("dotted 20,000 deep", "a" + ".a" * 20_000 + " = 1", refused="nested too deep"),
    _toml(
        "a value nested 20,000 deep",
        "sweep.seed" + ".a" * 20_000 + " = 1",
        refused="nested too deep",
    ),
    _toml(
        "a number of 10,000 digits",
        "[sweep]\nseed = " + "9" * 10_000,
        refused="can't be read as TOML",
    ),
    _toml("a section that is a number", "sweep = 3", refused="section of settings"),
    _toml("a date", "[movie]\ndt_s = 1979-05-27", refused="a number"),
    _toml("infinite", "[movie]\ndt_s = inf", refused="movie.dt_s"),
    _toml("no UTF-8", b"\xff\xfe\0", refused="can't be read as TOML"),
    _toml("5,000 unknown names", "".join(f"a{i}=1\n" for i in range(5_000)), refused="4995 more"),
    _toml("another analysis", 'analysis = ["a"]', refused="must be a text in quotes"),
    _toml("a region's file that is a number", "[traces]\nroi = 5", refused="traces.roi"),
    _toml("an encoding that is none", '[traces]\nencoding = "hex"', refused="encoding must be"),
]
