"""The proof as a Markdown file, as JSON, and as a short table for the terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from gpu.proof import Proof, Section, Table

SUMMARY_COLUMNS = ("requirement", "required", "measured", "held")


def write(proof: Proof, path: Path, command: str) -> None:
    """Write both files atomically, so that a killed proof keeps its results so far."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path.with_suffix(".md"), markdown(proof, command))
    _replace(path.with_suffix(".json"), json.dumps(proof.as_dict(), indent=1, ensure_ascii=False))


def markdown(proof: Proof, command: str) -> str:
    """Return the report."""
    card = proof.facts["card"]
    title = f"# GPU proof: {card}"
    if proof.rehearse:
        title = f"# Rehearsal of the GPU proof on {card}: its timings mean nothing"
    facts = [(key, value) for key, value in proof.facts.items() if key != "card"]
    return "\n\n".join(
        [
            title,
            f"`{command}`",
            _as_markdown(Table("", ("", ""), facts)),
            "## Requirements",
            _as_markdown(Table("", SUMMARY_COLUMNS, _summary_rows(proof))),
            "Results were checked before they were timed; where one differs, its time says so. "
            "Transfers are apart unless said. “Again” is the same measurement a second time.",
            *(_section(section) for section in proof.sections),
            "",
        ]
    )


def summary(proof: Proof) -> str:
    """Return the requirements and what became of the sections, for a terminal."""
    lines = _aligned([SUMMARY_COLUMNS, *_summary_rows(proof)])
    others = [
        f"{section.name}: {section.status}, {section.reason.strip().splitlines()[-1]}"
        for section in proof.sections
        if section.reason
    ]
    return "\n".join([*lines, *others])


def _summary_rows(proof: Proof) -> list[tuple[str, ...]]:
    return [(r.what, r.required, r.measured, r.held) for r in proof.requirements.values()]


def _section(section: Section) -> str:
    seconds = f", {section.seconds:.1f} s" if section.seconds else ""
    parts = [f"## {section.name}: {section.status}{seconds}"]
    if section.status == "failed":
        parts.append(f"```\n{section.reason.strip()}\n```")
    elif section.reason:
        parts.append(section.reason)
    parts += [_as_markdown(table) for table in section.tables]
    if section.notes:
        parts.append("\n".join(f"- {note}" for note in section.notes))
    return "\n\n".join(parts)


def _as_markdown(table: Table) -> str:
    lines = [f"**{table.title}**", ""] if table.title else []
    lines += [_row(table.columns), _row("---" for _ in table.columns)]
    return "\n".join([*lines, *map(_row, table.rows)])


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _replace(path: Path, content: str) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(content, encoding="utf-8")
    os.replace(temporary, path)
