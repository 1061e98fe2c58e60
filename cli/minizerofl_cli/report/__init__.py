"""Reports: charts and pages that a browser shows without a network and without scripts.

- `lines.line_chart` draws curves (`lines.Series`) with bands for spread and lines for reference.
- `bars.bar_chart` draws bars (`bars.Bar`), each with an interval if there is one.
- `heatmaps.heat_map` draws a grid of numbers.
- `page.page` puts them on a page, in sections, beside tables (`html.table`) and facts (`page.facts`).

Each chart is a ``<figure>`` with a table of its numbers that opens on a click. Charts and pages escape the text that
they are given, so names are given as they are; only what is called a fragment is HTML already. NaN stands for "no
number": a gap in a curve, an empty bar or cell, a dash in a table. Whatever the numbers are, a chart comes out.
"""
