"""Parts of pages: every text is escaped, numbers read well, missing values are dashes."""

import math

import numpy as np
import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from umlpsd_gpu.plotting.page_parts import Page, Section, number, page_templates

HOSTILE = '<script>alert("1")</script> & {{ 7 * 7 }}'
ESCAPED = "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt; &amp; {{ 7 * 7 }}"


def cells(*row):
    """Return the cells of a table with one row."""
    body = str(Section.of_table("", [], [row]).body)
    return body.split("<tbody><tr>")[1].split("</tr>")[0]


@pytest.mark.parametrize(
    ("value", "n_digits", "text"),
    [
        (1.256, 2, "1.26"),
        (2, 0, "2"),
        (-1.5, 1, "−1.5"),
        (-1e-9, 2, "−0.00"),
        (1e6, 1, "1000000.0"),
        (0.0, 3, "0.000"),
        (None, 2, "–"),
        (math.nan, 2, "–"),
        (math.inf, 2, "–"),
        (-math.inf, 2, "–"),
        (np.float64(-0.25), 2, "−0.25"),
    ],
)
def test_numbers(value, n_digits, text):
    assert number(value, n_digits) == text


class TestTable:
    def test_texts_are_escaped_wherever_they_stand(self):
        table = Section.of_table("Title", [HOSTILE], [[HOSTILE]], caption=HOSTILE).body
        assert str(table).count(ESCAPED) == 3
        assert "<script>" not in table

    def test_markup_stays(self):
        assert cells(Markup("<i>β</i>")) == "<td><i>β</i></td>"

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, "–"),
            (12345, "12,345"),
            (-12345, "−12,345"),
            (0.123456, "0.1235"),
            (-0.5, "−0.5"),
            (-1e-7, "−1e−07"),
            (0, "0"),
        ],
    )
    def test_numbers_are_aligned_right(self, value, text):
        assert cells(value) == f'<td class="n">{text}</td>'

    def test_texts_are_aligned_left_and_keep_their_hyphens(self):
        assert cells("movie-1.tif", -1) == '<td>movie-1.tif</td><td class="n">−1</td>'

    def test_rows_and_headings(self):
        body = str(Section.of_table("T", ["A", "B"], [[1, 2], [3, 4]]).body)
        assert body.count("<th>") == 2
        assert body.count("<tr>") == 3
        assert "caption" not in body

    def test_a_table_without_rows(self):
        assert "<tbody></tbody>" in Section.of_table("T", ["A"], []).body


class TestTemplates:
    def test_every_value_is_escaped(self):
        template = page_templates().from_string("{{ value }}")
        assert template.render(value=HOSTILE) == ESCAPED

    def test_a_missing_value_is_an_error(self):
        with pytest.raises(UndefinedError):
            page_templates().from_string("{{ missing }}").render()

    def test_filters(self):
        templates = page_templates()
        assert templates.from_string("{{ x | number(1) }}").render(x=-2.04) == "−2.0"
        assert templates.from_string("{{ x | number(1) }}").render(x=None) == "–"
        assert templates.from_string("{{ x | base64 }}").render(x=b"abc") == "YWJj"

    def test_templates_of_a_package_take_precedence(self):
        templates = page_templates("umlpsd_gpu.analyses.blinking")
        assert templates.get_template("clusters.html.jinja")
        assert templates.get_template("page.html.jinja")


def test_a_page_needs_no_more_than_its_answer():
    page = Page("Report", "3 clusters", "All criteria agree.")
    assert page.facts == page.sections == page.data == ()
