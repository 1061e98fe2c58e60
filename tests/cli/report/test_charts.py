"""Charts: whatever the numbers and the names are, a chart comes out that can be read, also without colour."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minizerofl_cli.report.axes import number
from minizerofl_cli.report.bars import Bar, bar_chart
from minizerofl_cli.report.figures import WIDTH
from minizerofl_cli.report.heatmaps import heat_map
from minizerofl_cli.report.html import TABLE_ROWS
from minizerofl_cli.report.lines import POINTS, Series, line_chart

ANY = st.floats(allow_nan=True, allow_infinity=True)
NAMES = st.text(max_size=40) | st.sampled_from(["<b>&amp;", "猫" * 30, '"quoted"', "a\nb", "\x1b[2J", "\ud800"])


@st.composite
def series(draw):
    length = draw(st.integers(0, 30))
    column = st.lists(ANY, min_size=length, max_size=length)
    band = draw(st.booleans())
    x, y = draw(st.lists(st.floats(-1e6, 1e6), min_size=length, max_size=length)), draw(column)
    low, high = (draw(column), draw(column)) if band else ((), ())
    return Series(draw(NAMES), x, y, low, high, draw(st.booleans()))


@given(NAMES, st.lists(series(), max_size=6), st.booleans())
@example("one point", [Series("a", [1], [0.5])], True)
@example("constant", [Series("a", [1, 2], [0.5, 0.5])], True)
@example("only NaN", [Series("a", [1, 2], [math.nan, math.nan])], True)
@example("huge", [Series("a", [1, 2], [-1e308, 1e308])], False)
def test_lines_come_out_whatever_is_given(read_html, title, curves, whole):
    page = read_html(line_chart(title, curves, "<x>", "y & z", whole_x=whole))
    assert page.count("figure") == page.count("table") == 1
    assert {"y & z", "<x>"} <= set(page.words)
    _assert_inside(page)


@given(NAMES, st.lists(st.builds(Bar, NAMES, ANY, ANY, ANY, NAMES), max_size=6))
def test_bars_come_out_whatever_is_given(read_html, title, bars):
    page = read_html(bar_chart(title, bars, "<s>"))
    assert page.count("rect", "bar") == sum(math.isfinite(bar.value) for bar in bars)
    _assert_inside(page)


@given(NAMES, st.integers(0, 5), st.integers(0, 5), st.data())
def test_maps_come_out_whatever_is_given(read_html, title, rows, columns, data):
    values = [[data.draw(ANY) for _ in range(columns)] for _ in range(rows)]
    names = data.draw(st.lists(NAMES, min_size=rows + columns, max_size=rows + columns))
    page = read_html(heat_map(title, names[:rows], names[rows:], values, "<share>"))
    finite = sum(math.isfinite(value) for cells in values for value in cells)
    assert page.count("rect", "heat") == finite + 9  # and the nine steps of the scale
    assert page.count("rect", "missing") == rows * columns - finite
    _assert_inside(page)


def test_curves_differ_without_colour():
    chart = line_chart("many", [Series(f"s{i}", [1, 2], [i, i + 1]) for i in range(12)], "x", "y")
    lines = re.findall(r'<path class="line c\d" d="[^"]*"( stroke-dasharray="[^"]*")?/>', chart)
    marks = re.findall(r'<path class="marker c\d" d="M[\d.]+ [\d.]+([^"]*)"', chart)[::2]
    assert len(set(zip(lines, marks, strict=True))) == 12
    for i in range(12):
        assert f">s{i}</text>" in chart


def test_names_at_the_ends_of_curves_do_not_cover_each_other():
    chart = line_chart("close", [Series(f"s{i}", [1, 2], [0, 1 + i / 1000]) for i in range(15)], "x", "y")
    places = sorted(float(y) for y in re.findall(r'class="label c\d" x="[\d.]+" y="([\d.]+)"', chart))
    assert len(places) == 15
    assert min(b - a for a, b in pairwise(places)) > 12


def test_a_gap_breaks_a_curve_and_a_lone_point_has_a_marker():
    y = [0.0] * 60
    y[20] = y[22] = math.nan
    chart = line_chart("gap", [Series("a", range(60), y)], "x", "y")
    path = re.search(r'class="line c0" d="([^"]*)"', chart).group(1)
    assert path.count("M") == 3
    assert "<title>a: 21, 0</title>" in chart


def test_a_name_that_is_cut_is_whole_below():
    name = "diff-topk-weights, r 0.2, alpha 1000"
    chart = line_chart("long", [Series(name, [1], [1]), Series("b", [1], [2])], "x", "y")
    assert f" {name}</li>" in chart
    assert "…" in chart
    assert "keys" not in line_chart("short", [Series("a", [1], [1]), Series("b", [1], [2])], "x", "y")


def test_a_table_has_the_numbers_of_its_chart(read_html):
    same = line_chart(
        "t", [Series("a", [1, 2], [0.25, math.nan]), Series("b", [1, 2], [3, 4], [2, 3], [4, 5])], "x", "y"
    )
    assert read_html(same).text.endswith("x a b b, low b, high 1 0.25 3 2 4 2 - 4 3 5")
    other = line_chart("t", [Series("a", [1], [0.25]), Series("b", [2], [3])], "x", "y")
    assert read_html(other).text.endswith("x y a 1 0.25 b 2 3")


@pytest.mark.parametrize("length", [POINTS, POINTS + 1, TABLE_ROWS, TABLE_ROWS + 1, 5000])
def test_what_is_left_out_is_said(read_html, length):
    page = read_html(line_chart("long", [Series("a", range(length), range(length))], "x", "y", rest="a.csv"))
    assert ("thinned out" in page.text) == (length > POINTS)
    assert (f"of {length:,} rows" in page.text) == (length > TABLE_ROWS)
    assert page.count("tr") - 1 == length if length <= TABLE_ROWS else page.count("tr") - 1 <= TABLE_ROWS + 1
    assert number(length - 1) in page.text


def _assert_inside(page) -> None:
    """Nothing is drawn to the left or to the right of the drawing."""
    for tag, values in page.seen:
        if tag in ("text", "rect"):
            x, width = float(values["x"]), float(values.get("width", 0))
            assert -0.1 <= x <= WIDTH + 0.1 - width, (tag, values)
