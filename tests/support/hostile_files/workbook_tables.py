"""Workbooks that are bombs, or claim what they don't hold."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from openpyxl import Workbook

from tests.support.hostile_files.case import HostileFile, from_bytes
from tests.support.hostile_files.text_tables import ROWS, VALUE

SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def workbook() -> bytes:
    """Return a sound workbook."""
    book, stream = Workbook(), io.BytesIO()
    for row in ROWS:
        book.active.append([float(cell) if cell[0].isdigit() else cell for cell in row])
    book.save(stream)
    return stream.getvalue()


def with_members(**changed: bytes | Callable[[], bytes] | None) -> Callable[[Path], Path]:
    """Return a writer of a workbook with other members, by the last part of their names."""

    def write(folder: Path) -> Path:
        stream = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(workbook())) as sound,
            zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for name in sound.namelist():
                part = Path(name).stem
                content = changed.get(part, sound.read(name))
                if content is not None:
                    archive.writestr(name, content if isinstance(content, bytes) else content())
        return from_bytes("t.xlsx", stream.getvalue())(folder)

    return write


def _sheet(rows: str, head: str = "") -> bytes:
    xml = f'{head}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    return xml.encode()


def _entities(n_layers: int) -> bytes:
    layers = "".join(
        f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' if i else '<!ENTITY l0 "1111111111">'
        for i in range(n_layers)
    )
    row = f'<row r="1"><c r="A1" t="str"><v>&l{n_layers - 1};</v></c></row>'
    return _sheet(row, f'<?xml version="1.0"?><!DOCTYPE worksheet [{layers}]>')


def _style_of_format_99() -> bytes:
    """Return the styles of a sound workbook, of which a named one refers to none."""
    with zipfile.ZipFile(io.BytesIO(workbook())) as sound:
        return sound.read("xl/styles.xml").replace(b'xfId="0" builtinId', b'xfId="99" builtinId')


def _lying_archive() -> bytes:
    """Return a workbook whose members say that they have 4 GB."""
    blob = bytearray(workbook())
    at = blob.find(b"PK\1\2")
    while at >= 0:
        blob[at + 24 : at + 28] = b"\xfe\xff\xff\xff"
        at = blob.find(b"PK\1\2", at + 4)
    return bytes(blob)


FAR_CELLS = "".join(f'<row r="{i}"><c r="XFD{i}"><v>1</v></c></row>' for i in range(1, 100_000))
CASES = [
    HostileFile("a sound workbook", "Excel", from_bytes("t.xlsx", workbook()), opens=VALUE),
    HostileFile("half a workbook", "Excel", from_bytes("t.xlsx", workbook()[:3000]), refused="zip"),
    HostileFile("a table of text", "Excel", from_bytes("t.xlsx", b"1,2\n3,4\n"), refused="zip"),
    HostileFile(
        "a workbook without a sheet", "Excel", with_members(sheet1=None), refused="sheets are empty"
    ),
    HostileFile(
        "a workbook without its book", "Excel", with_members(workbook=None), refused="no item named"
    ),
    HostileFile(
        "a sheet of no XML", "Excel", with_members(sheet1=b"\0\1"), refused="not well-formed"
    ),
    HostileFile(
        "a sheet cut in a row",
        "Excel",
        with_members(sheet1=_sheet('<row r="1"><c r="A1"><v>1</v></c></row>')[:-40]),
        refused="can't be read as .xlsx file",
    ),
    HostileFile(
        "nested entities", "Excel", with_members(sheet1=_entities(10)), refused="amplification"
    ),
    HostileFile("text of 2 GB", "Excel", from_bytes("t.xlsx", _lying_archive()), refused="unpacks"),
    HostileFile(
        "a sheet of 300 MB of blanks",
        "Excel",
        with_members(sheet1=lambda: _sheet(" " * (300 << 20))),
        refused="unpacks to 314.6 MB",
    ),
    HostileFile(
        "a cell in the last column of each row",
        "Excel",
        with_members(sheet1=_sheet(FAR_CELLS)),
        refused="empty cells",
    ),
    HostileFile(
        "a row of number 10¹⁵",
        "Excel",
        with_members(sheet1=_sheet(f'<row r="{10**15}"><c r="A1"><v>1</v></c></row>')),
        refused="1048577 rows or more",
    ),
    HostileFile(
        "a cell of no column",
        "Excel",
        with_members(sheet1=_sheet('<row r="1"><c r="ZZZZZZ1"><v>1</v></c></row>')),
        refused="can't be read as .xlsx file",
    ),
    HostileFile(
        "a cell style of a format that there isn't",
        "Excel",
        with_members(styles=_style_of_format_99),
        refused="refers to format 99 of 1",
    ),
    HostileFile(
        "a shared text that there isn't",
        "Excel",
        with_members(sheet1=_sheet('<row r="1"><c r="A1" t="s"><v>99</v></c></row>')),
        refused="can't be read as .xlsx file",
    ),
]
