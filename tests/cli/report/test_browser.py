"""A report in a real browser: no complaint, nothing wider than the screen, no label outside of its chart."""

import json
import re
import shutil

import pytest

from minizerofl_cli.report.bars import Bar, bar_chart
from minizerofl_cli.report.figures import figure, svg
from minizerofl_cli.report.heatmaps import heat_map
from minizerofl_cli.report.html import table
from minizerofl_cli.report.lines import Series, line_chart
from minizerofl_cli.report.page import code, facts, figures_in_large, page, section
from minizerofl_cli.report.run_report import write_report

# A page around the page: it opens all tables, and tells how wide everything is.
FRAME = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>frame</title></head>
<body><iframe id="frame" src="{name}" width="{width}" height="800" style="border:0"></iframe><pre id="found"></pre>
<script>
document.getElementById("frame").onload = function () {{
  const page = this.contentDocument, found = {{outside: []}};
  page.querySelectorAll("details").forEach(each => each.open = true);
  found.width = page.documentElement.scrollWidth;
  found.paper = this.contentWindow.getComputedStyle(page.body).backgroundColor;
  found.ink = this.contentWindow.getComputedStyle(page.body).color;
  found.curves = [...page.querySelectorAll("path.line.c0, rect.bar, rect.heat")].map(
    each => each.getBoundingClientRect()).filter(box => box.width > 0).length;
  for (const drawing of page.querySelectorAll("figure > svg")) {{
    const frame = drawing.viewBox.baseVal;
    for (const each of drawing.querySelectorAll("text, rect, path.line, path.marker")) {{
      const box = each.getBBox();
      if (box.width && (box.x < -2 || box.x + box.width > frame.width + 2 || box.y < -2
          || box.y + box.height > frame.height + 4))
        found.outside.push(each.textContent + " " + each.getAttribute("class"));
    }}
  }}
  document.getElementById("found").textContent = JSON.stringify(found);
}};
</script></body></html>
"""
LIGHT, DARK = "--blink-settings=preferredColorScheme=1", "--blink-settings=preferredColorScheme=0"


@pytest.fixture
def measure(browse, tmp_path):
    """Show a page in a frame of some width; give what the page around it found."""

    def run(html: str, width: int, *options: str) -> dict:
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        (tmp_path / "frame.html").write_text(FRAME.format(name="page.html", width=width), encoding="utf-8")
        document, console = browse(tmp_path / "frame.html", *options)
        assert not console, console
        found = re.search(r'<pre id="found">(.*?)</pre>', document, re.DOTALL).group(1)
        return json.loads(found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))

    return run


@pytest.mark.parametrize("width", [375, 1280])
def test_the_report_of_a_run_fits_the_screen(measure, finished_run, tmp_path, width):
    _, file = write_report(finished_run.path, tmp_path / "report.html")
    found = measure(file.read_text(encoding="utf-8"), width)
    assert found["width"] == width
    assert found["outside"] == []
    assert found["curves"] > 10


@pytest.mark.parametrize("width", [375, 1280])
def test_a_comparison_fits_the_screen(measure, finished_run, invoke, tmp_path, width):
    runs = [shutil.copytree(finished_run.path, tmp_path / str(i)) for i in range(4)]
    for i, run in enumerate(runs):
        config = (run / "config.toml").read_text()
        config = config.replace('uplink = "topk-weights"', 'uplink = "full"' if i % 2 else 'uplink = "topk-diff"')
        (run / "config.toml").write_text(config.replace("\nseed = 3\n", f"\nseed = {i // 2}\n"))
    result = invoke("compare", *runs, "--to-accuracy", 1, "-o", tmp_path / "compare.html")
    assert result.exit_code == 0, result.output
    assert "4 runs in 2 groups; 2 seeds" in result.output
    found = measure((tmp_path / "compare.html").read_text(encoding="utf-8"), width)
    assert (found["width"], found["outside"]) == (width, [])
    assert found["curves"] >= 4


def test_it_is_dark_where_people_want_it_dark(measure, finished_run, tmp_path):
    html = write_report(finished_run.path, tmp_path / "report.html")[1].read_text(encoding="utf-8")
    light, dark = measure(html, 375, LIGHT), measure(html, 375, DARK)
    assert (light["paper"], dark["paper"]) == ("rgb(255, 255, 255)", "rgb(20, 24, 29)")
    assert light["ink"] != dark["ink"]


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_too_long_for_a_page(measure, width):
    long, wide = "word" * 60, "猫" * 60
    names = [long, wide, "W" * 40, "<b>"]
    curves = [Series(name, [0, 1e300], [-1e300 + i, 1e300]) for i, name in enumerate(names)]
    bars = [Bar(name, 1e300 * i, said=long) for i, name in enumerate(names)]
    html = page(
        long,
        [long, wide],
        [
            section(long, facts([(long, wide), ("a", long)]), figures_in_large([(long, wide, long)] * 5), code(long)),
            section(wide, line_chart(long, curves, long, wide), bar_chart(long, bars, wide)),
            section("maps", heat_map(wide, names, names, [[0.5] * 4] * 4, long), table(names, [names])),
        ],
        notice=long,
    )
    found = measure(html, width)
    assert found["width"] == width
    assert found["outside"] == []


def test_this_check_can_fail(measure):
    wide = page("wide", [], [section("a", '<p style="width: 400px">a</p>')])
    assert measure(wide, 375)["width"] > 375
    label = '<text x="400" y="12">too far to the right</text>'
    outside = page("outside", [], [section("a", figure("t", svg("t", 20, [label]), ""))])
    assert measure(outside, 375)["outside"]
