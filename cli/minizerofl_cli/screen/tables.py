"""Plain tables: columns as wide as they must be, text to the left, numbers to the right."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay out a table; the first column stands to the left, all others to the right.

    Parameters
    ----------
    head : sequence of str
        The titles of the columns.
    rows : sequence of sequence of str
        The cells.

    Returns
    -------
    list of str
        A line for the head and for each row.

    Examples
    --------
    >>> for line in table(("layer", "ms"), [("conv1", "1.25"), ("linear", "10.5")]):
    ...     print(line)
    layer     ms
    conv1   1.25
    linear  10.5
    """
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
