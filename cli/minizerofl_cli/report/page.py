"""A page: one HTML file that needs nothing else, for screens light and dark, wide and narrow, and for paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minizerofl_cli.report.html import text

STYLE = Path(__file__).with_name("page.css")


def page(title: str, lead: Sequence[str], sections: Sequence[str], *, notice: str = "") -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
        Its title and first heading.
    lead : sequence of str
        Sentences below the title.
    sections : sequence of str
        Fragments, see `section`; an empty one is left out.
    notice : str
        What nobody may overlook, above all else: that data are SYNTHETIC, that a run was scaled.

    Examples
    --------
    >>> html = page("Run 1", ["30 rounds"], [section("Accuracy", paragraph("It grew."))], notice="SYNTHETIC data")
    >>> html.startswith("<!DOCTYPE html>"), "http" in html
    (True, False)
    """
    above = f'<p class="notice" role="note">{text(notice)}</p>' if notice else ""
    body = "\n".join(part for part in sections if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{text(title)}</title>\n<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n"
        f"<header>{above}<h1>{text(title)}</h1>{''.join(paragraph(line) for line in lead)}</header>\n"
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def section(title: str, *fragments: str) -> str:
    """Return a section with a heading, or an empty text if the section has no content.

    Parameters
    ----------
    title : str
        The heading.
    fragments : str
        HTML: charts, tables, paragraphs. Charts that follow each other stand side by side where there is room.

    Examples
    --------
    >>> section("Masks", "")
    ''
    """
    shown = [fragment for fragment in fragments if fragment]
    if not shown:
        return ""
    parts, charts = [], False
    for fragment in shown:
        if fragment.startswith("<figure") != charts:
            charts = not charts
            parts.append('<div class="charts">' if charts else "</div>")
        parts.append(fragment)
    return f"<section>\n<h2>{text(title)}</h2>\n{''.join(parts)}{'</div>' if charts else ''}\n</section>"


def paragraph(line: str, *, small: bool = False) -> str:
    """Return a paragraph of plain text; a small one is a note.

    Examples
    --------
    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f'<p class="note">{text(line)}</p>' if small else f"<p>{text(line)}</p>"


def code(lines: str) -> str:
    """Return lines in letters of equal width, as they are: a command, a file.

    Examples
    --------
    >>> code("a = 1")
    '<pre>a = 1</pre>'
    """
    return f"<pre>{chr(10).join(text(line) for line in lines.splitlines())}</pre>"


def folded(title: str, *fragments: str) -> str:
    """Return fragments that open on a click.

    Examples
    --------
    >>> folded("Config", code("a = 1"))
    '<details><summary>Config</summary><pre>a = 1</pre></details>'
    """
    return f"<details><summary>{text(title)}</summary>{''.join(fragments)}</details>"


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return names with what belongs to them, as a list of two columns.

    Examples
    --------
    >>> facts([("data", "femnist")])
    '<dl class="facts"><div><dt>data</dt><dd>femnist</dd></div></dl>'
    """
    inner = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="facts">{inner}</dl>'


def figures_in_large(pairs: Sequence[tuple[str, str, str]]) -> str:
    """Return the few figures that matter, in large: each a number, what it is, and what it is to be read beside.

    Examples
    --------
    >>> "45.6 %" in figures_in_large([("45.6 %", "test accuracy", "majority class 8.8 %")])
    True
    """
    inner = "".join(
        f'<div><dt>{text(name)}</dt><dd><span class="large">{text(value)}</span><span>{text(beside)}</span></dd></div>'
        for value, name, beside in pairs
    )
    return f'<dl class="large-figures">{inner}</dl>'
