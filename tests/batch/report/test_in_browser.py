"""The page of an archive in a real browser: it sorts, filters, links, and obeys no name."""

import pytest

from tests.support.archives import FAILED_EVERY, make_rows, write_archive
from tests.support.browser import Visit

N = 420


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("archive"), N)


@pytest.fixture(scope="module")
def visit(browser, page_file):
    found = Visit(browser, page_file, viewport={"width": 1280, "height": 800})
    found.page.set_default_timeout(5000)
    yield found
    found.context.close()


@pytest.fixture
def page(visit):
    visit.page.reload()
    yield visit.page
    assert not visit.complaints
    assert all(url.startswith(("file:", "data:")) for url in visit.requests)


def column(page, number):
    return page.locator(f"#inputs tbody tr td:nth-child({number})").all_inner_texts()


def count(page):
    return page.locator("#count").inner_text()


def test_a_hostile_name_is_text(page):
    assert page.locator("script").count() == 1
    assert column(page, 1)[0].strip() == "<script>alert(1)<|script>.tif"


def test_two_hundred_rows_are_shown_and_then_more(page):
    assert page.locator("#inputs tbody tr").count() == 200
    assert count(page) == "200 of 420 shown"
    page.get_by_role("button", name="Show more").click()
    assert page.locator("#inputs tbody tr").count() == N
    assert not page.get_by_role("button", name="Show more").is_visible()


def test_numbers_sort_as_numbers_and_what_has_none_is_last(page):
    page.get_by_role("button", name="Show more").click()
    heading = page.locator("#inputs th").nth(2)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    expected = sorted(r.summary["n_traces"] for r in make_rows(N) if r.summary)
    page.get_by_role("button", name="Show more").click()
    cells = page.locator("#inputs tbody tr")
    shown = [text for text in column(page, 3) if text]
    assert [int(text.replace(",", "")) for text in shown] == expected
    assert "Failed" in cells.last.inner_text() or "Waiting" in cells.last.inner_text()
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert int(column(page, 3)[0]) == expected[-1]
    page.get_by_role("button", name="Show more").click()
    last = cells.last.inner_text()
    assert "Failed" in last or "Waiting" in last


def test_names_sort_as_people_count(page):
    page.locator("#inputs th").first.get_by_role("button").click()
    names = [name.strip() for name in column(page, 1)]
    assert names[1:4] == [f"day_0/region_{i}.tif" for i in (1, 2, 3)]
    assert names.index("day_0/region_10.tif") == names.index("day_0/region_9.tif") + 1


def test_words_and_states_filter(page):
    page.get_by_label("Find words").fill("day_3 failed")
    n_failed = len(range(FAILED_EVERY * 6 + 7, 400, FAILED_EVERY))
    assert count(page) == f"{n_failed} of {n_failed} shown, 420 in all"
    assert all("Failed" in text for text in page.locator("#inputs tbody tr").all_inner_texts())
    page.get_by_label("Find words").fill("")
    page.get_by_label("Show").select_option("outlying")
    assert [name.strip() for name in column(page, 1)] == ["day_0/region_1.tif"]
    page.get_by_label("Find words").fill("no such movie")
    assert count(page) == "0 of 0 shown, 420 in all"


def test_the_keyboard_reaches_all(page):
    page.get_by_label("Find words").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "kind"
    # the table itself can be scrolled, then its headings sort
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#inputs th").first.get_attribute("aria-sort") == "ascending"


def test_a_link_opens_the_report_of_a_study_from_disk(page):
    page.locator("#inputs tbody a").first.click()
    assert page.title() == "The study"
    page.go_back()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_is_accessible(browser, page_file, scheme):
    read = Visit(browser, page_file, color_scheme=scheme)
    assert read.accessibility_faults() == []
    read.context.close()


def test_a_narrow_screen_scrolls_the_table_only(browser, page_file):
    narrow = Visit(browser, page_file, viewport={"width": 390, "height": 844})
    assert narrow.page.evaluate("document.documentElement.scrollWidth") == 390
    narrow.context.close()


def test_without_javascript_the_table_is_whole(browser, page_file):
    plain = Visit(browser, page_file, java_script_enabled=False)
    assert plain.page.locator("#inputs tbody tr").count() == N
    assert plain.page.locator("#inputs tbody tr").last.is_visible()
    assert not plain.page.locator("#words").is_visible()
    plain.context.close()
