"""docs/metrics.md quotes sentences that reports really contain."""

import re
from pathlib import Path

import pytest

import umlpsd_gpu

PACKAGE = Path(umlpsd_gpu.__file__).parent
PAGE = (PACKAGE.parent / "docs" / "metrics.md").read_text("utf-8")
SOURCES = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
# what stays of a quoted sentence when its numbers change
QUOTED = [
    "<SS> =",
    "% misclassified",
    "agreement of epochs",
    "of the least reproducible cluster again",
    "times as dense as",
    "Outliers, traces that fit no cluster:",
    "are expected by chance",
]


@pytest.mark.parametrize("words", QUOTED)
def test_quoted_words_are_in_page_and_program(words):
    in_reports = re.findall(r"^\| In reports \| (.*) \|$", PAGE, re.M)
    assert any(words in quote for quote in in_reports), f"not quoted in docs/metrics.md: {words}"
    # a sentence may be written in several pieces
    joined = re.compile(r"\"\s*\n\s*f?\"")
    assert any(words in joined.sub("", text) for text in SOURCES.values()), (
        f"docs/metrics.md quotes '{words}', which no report says any more"
    )


def test_every_metric_says_the_same_four_things():
    chapters = re.split(r"^### ", PAGE, flags=re.M)[1:]
    assert len(chapters) >= 11
    for chapter in chapters:
        rows = re.findall(r"^\| (Range, unit|Good|Can't tell|In reports) \|", chapter, re.M)
        assert rows == ["Range, unit", "Good", "Can't tell", "In reports"], chapter.split("\n")[0]
