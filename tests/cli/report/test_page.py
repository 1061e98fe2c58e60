"""Pages: whole documents with nothing outside of them, whose colours can be read."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_cli.report import page as module
from minizerofl_cli.report.html import table
from minizerofl_cli.report.page import code, facts, figures_in_large, folded, page, paragraph, section

STYLE = Path(module.__file__).with_name("page.css").read_text()


@given(st.text(), st.text(), st.text())
def test_all_text_is_escaped(read_html, title, name, value):
    parts = [
        paragraph(value),
        facts([(name, value)]),
        code(value),
        folded(name, paragraph(value)),
        table([name], [[value]]),
    ]
    html = page(title, [value], [section(name, *parts, figures_in_large([(value, name, value)]))], notice=name)
    reader = read_html(html)
    assert reader.count("h1") == reader.count("title") == reader.count("main") == 1
    assert html.encode()  # no lone surrogates


def test_hostile_text_stays_text(read_html):
    hostile = "</style></main><script>alert(1)</script>'\"&amp;"
    reader = read_html(page(hostile, [hostile], [section(hostile, paragraph(hostile))], notice=hostile))
    assert reader.text.count(hostile) == 6


def test_charts_stand_side_by_side_and_prose_does_not(read_html):
    html = section("s", "<figure></figure>", "<figure></figure>", "<p></p>", "<figure></figure>")
    assert read_html(html).count("div", "charts") == 2
    assert html.index("</figure></div><p>") < html.index('<p></p><div class="charts">') + 10
    assert section("empty", "", "") == ""


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_and_curves_stand_out_from_the_paper(theme):
    """WCAG 2.1 asks for a contrast of 4.5 for text."""
    blocks = re.findall(r":root \{([^}]*)\}", STYLE)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[theme]))
    papers = {"notice-ink": "notice-paper", "ink": "soft", "faint": "soft"}
    assert len(colours) == 16
    for name in ("ink", "faint", "notice-ink", "heat", *(f"c{i}" for i in range(8))):
        a, b = sorted((_luminance(colours[name]), _luminance(colours[papers.get(name, "paper")])))
        assert (b + 0.05) / (a + 0.05) >= 4.5, name


def test_dark_is_for_screens_only():
    assert "@media screen and (prefers-color-scheme: dark)" in STYLE
    assert STYLE.count("prefers-color-scheme") == 1
