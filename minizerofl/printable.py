"""Text from elsewhere on one line: names of clients and classes may hold line breaks and commands for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text with all that is no visible character or space as an escape sequence.

    Examples
    --------
    >>> print(printable("writer\nround 3: \x1b[2Jaccuracy 99 %"))
    writer\nround 3: \x1b[2Jaccuracy 99 %
    >>> printable("zoë 猫")
    'zoë 猫'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
