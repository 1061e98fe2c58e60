"""A comparison as tables: 80 columns for a screen, Markdown for a paper's draft, and CSV with a row for each figure."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from minizerofl_cli.compare.comparison import Comparison, Entry
from minizerofl_cli.compare.groups import Group
from minizerofl_cli.compare.measures import Measure, number
from minizerofl_cli.screen.tables import table

WIDTH = 80
CSV_COLUMNS = (
    *("group", "settings", "baseline", "measure", "at", "runs", "runs_with_value", "mean", "standard_deviation"),
    *("pairs", "difference", "interval_low", "interval_high", "margin", "verdict", "values_by_seed"),
)
EXPLAINED = (
    "± is the standard deviation over seeds. A difference is the group minus the baseline, paired by seed, in points "
    "of accuracy, with a 95 % bootstrap interval over seeds. The verdict is on 'at least as good as the baseline, "
    "within the margin': it holds if the whole interval is at or above minus the margin, fails if the whole interval "
    "is below, and is unresolved otherwise."
)


@dataclass(frozen=True)
class Section:
    """A table with a title.

    Attributes
    ----------
    title : str
        What stands above it.
    head : sequence of str
        The titles of the columns.
    rows : sequence of sequence of str
        The cells.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def headline(comparison: Comparison) -> str:
    """Say what is compared.

    The data come first: nobody is to take a synthetic result for a real one.
    """
    groups = comparison.groups
    seeds = ", ".join(map(str, groups.seeds))
    counts = f"{_count(len(groups.runs), 'run')} in {_count(len(groups.groups), 'group')}"
    return f"{groups.data}: {counts}; {_count(len(groups.seeds), 'seed')}: {seeds}"


def legend(comparison: Comparison) -> list[tuple[str, str]]:
    """Return letter and meaning of each group."""
    groups = comparison.groups

    def meaning(group: Group) -> str:
        role = ", baseline" if group is groups.baseline and len(groups.groups) > 1 else ""
        return f"{group.label} ({_count(len(group.runs), 'seed')}{role})"

    return [(group.letter, meaning(group)) for group in groups.groups]


def sections(comparison: Comparison) -> Iterator[Section]:
    """Return all tables but the legend."""
    measures, letters = comparison.measures, [group.letter for group in comparison.groups.groups]

    def rows(columns: Sequence[Measure]) -> list[list[str]]:
        return [[each, *(cell(comparison.entries[each, measure]) for measure in columns)] for each in letters]

    yield Section(
        "Test accuracy in %, at equal rounds, bytes and seconds",
        ["group", *(measure.title for measure in measures.accuracies)],
        rows(measures.accuracies),
    )
    if len(letters) > 1:
        base = comparison.groups.baseline.letter
        yield Section(
            f"Difference to {base} in points: at least as good, within {comparison.margin:g}?",
            ("group", "at", "seeds", "difference", "95 % interval", "verdict"),
            [
                difference_row(comparison.entries[each, measure])
                for each in letters
                if each != base
                for measure in measures.accuracies
                if measure.judged
            ],
        )
    yield Section(
        f"The models of round {measures.round}: accuracies in %, loss in nats",
        ["group", *(measure.title for measure in measures.quality)],
        rows(measures.quality),
    )
    yield Section(
        f"Cost up to round {measures.round}",
        ["group", *(measure.title for measure in measures.costs)],
        rows(measures.costs),
    )
    for target, columns in measures.targets.items():
        yield Section(
            f"Cost to reach a test accuracy of {target:g} %",
            ["group", "reached", *(measure.title for measure in columns)],
            [[each, *target_cells([comparison.entries[each, measure] for measure in columns])] for each in letters],
        )


def cell(entry: Entry) -> str:
    """Return mean and standard deviation; how many runs have a value, if not all."""
    its, digits = entry.spread, entry.measure.digits
    if not its.count:
        return "-"
    deviation = "" if its.std is None else f" ± {number(its.std, digits, size=its.mean)}"
    some = f" ({its.count} of {entry.runs})" if its.count < entry.runs else ""
    return f"{number(its.mean, digits)}{deviation}{some}"


def target_cells(entries: Sequence[Entry]) -> list[str]:
    """Return how many runs reached a target, and at what cost.

    If some did not, there is no mean: that of the others would flatter the group.
    """
    reached, runs = len(entries[0].values), entries[0].runs
    return [f"{reached} of {runs}", *(cell(entry) if reached == runs else "-" for entry in entries)]


def difference_row(entry: Entry) -> list[str]:
    """Return a row of the table of differences."""
    its, at = entry.difference, entry.measure.title
    if its is None:
        return [entry.group.letter, at, "0", "-", "-", "-"]
    interval = "-" if its.interval is None else "[{:+.2f}, {:+.2f}]".format(*its.interval)
    return [entry.group.letter, at, str(its.pairs), f"{its.mean:+.2f}", interval, str(entry.verdict)]


def screen(comparison: Comparison) -> Iterator[str]:
    """Return the lines for a screen of 80 columns."""
    yield from _wrapped(headline(comparison))
    yield ""
    for letter, meaning in legend(comparison):
        yield from _wrapped(f"{letter}  {meaning}", indent=" " * (len(letter) + 2))
    for warning in comparison.warnings:
        yield from _wrapped(f"Note: {warning}", indent="  ")
    for section in sections(comparison):
        yield ""
        yield section.title
        yield from fitted(section)
    yield ""
    yield from _wrapped(EXPLAINED)
    for note in comparison.notes:
        yield from _wrapped(f"Note: {note}", indent="  ")


def fitted(section: Section) -> Iterator[str]:
    """Lay out a table; columns that have no room beside the others follow below them.

    Examples
    --------
    >>> wide = Section("", ["group", "a" * 50, "b" * 50], [["A", "1", "2"]])
    >>> [line.split()[-1][0] for line in fitted(wide)]
    ['a', '1', 'b', '2']
    """
    rows, first = [section.head, *section.rows], 1
    widths = [max(len(row[k]) for row in rows) for k in range(len(section.head))]
    while first < len(widths):
        last = first + 1
        while last < len(widths) and widths[0] + sum(width + 2 for width in widths[first : last + 1]) <= WIDTH:
            last += 1
        head, *lines = ([row[0], *row[first:last]] for row in rows)
        yield from table(head, lines)
        first = last


def markdown(comparison: Comparison) -> str:
    """Return a page in Markdown."""
    lines = [f"**{_escaped(headline(comparison))}**", ""]
    lines += _markdown_table(("group", "settings"), legend(comparison))
    lines += [f"\n{_escaped(warning)}" for warning in comparison.warnings]
    for section in sections(comparison):
        lines += ["", f"**{_escaped(section.title)}**", "", *_markdown_table(section.head, section.rows)]
    lines += ["", _escaped(EXPLAINED), *(f"\n- {_escaped(note)}" for note in comparison.notes)]
    return "\n".join(lines) + "\n"


def csv_text(comparison: Comparison) -> str:
    """Return a CSV file with a row for each group and measure, numbers in full."""
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, CSV_COLUMNS, restval="", lineterminator="\n")
    rows.writeheader()
    for entry in comparison.entries.values():
        rows.writerow(_csv_row(entry, comparison))
    return text.getvalue()


def _csv_row(entry: Entry, comparison: Comparison) -> dict[str, object]:
    its, difference = entry.spread, entry.difference
    row: dict[str, object] = {
        "group": entry.group.letter,
        "settings": entry.group.label,
        "baseline": comparison.groups.baseline.letter,
        "measure": entry.measure.key,
        "at": "" if entry.measure.at is None else entry.measure.at,
        "runs": entry.runs,
        "runs_with_value": its.count,
        "mean": its.mean if its.count else "",
        "standard_deviation": "" if its.std is None else its.std,
        "values_by_seed": "; ".join(f"{seed}: {value}" for seed, value in sorted(entry.values.items())),
    }
    if difference:
        low, high = difference.interval or ("", "")
        row |= {"pairs": difference.pairs, "difference": difference.mean, "interval_low": low, "interval_high": high}
        row |= {"margin": comparison.margin, "verdict": entry.verdict}
    return row


def _markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---", *("---:" for _ in head[1:])]
    return [f"| {' | '.join(map(_escaped, row))} |" for row in (head, rule, *rows)]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
