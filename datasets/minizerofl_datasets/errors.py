"""What goes wrong with data, each said in one line: ``DataError`` for files, ``ValueError`` for arguments."""

from collections.abc import Collection

__all__ = ["DataError", "check_choice", "one_line"]

LONGEST = 300  # characters of another library's message that we repeat


class DataError(Exception):
    """A file of a data set is missing, damaged or not what it should be.

    The message is one line: the file, the client where there is one, what was expected and what to do next.
    """


def check_choice(argument: str, value: str, known: Collection[str]) -> None:
    """Refuse a value that is not among the known ones, and suggest the nearest.

    Parameters
    ----------
    argument : str
        What the value is called, for the message.
    value : str
        What the caller gave.
    known : collection of str
        What is allowed.

    Raises
    ------
    ValueError
        If ``value`` is not in ``known``.

    Examples
    --------
    >>> check_choice("polarity", "inc", ("ink", "raw"))
    Traceback (most recent call last):
    ...
    ValueError: polarity='inc' is unknown: did you mean 'ink'? Known: 'ink', 'raw'.
    """
    if value in known:
        return
    from difflib import get_close_matches

    near = get_close_matches(str(value), known, n=1)
    hint = f" did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(repr(name) for name in list(known)[:6]) + (", ..." if len(known) > 6 else "")
    raise ValueError(f"{argument}={value!r} is unknown:{hint} Known: {listed}.")


def one_line(error: Exception) -> str:
    r"""Return the message of an exception on one line, cut if it is very long.

    Examples
    --------
    >>> one_line(OSError("cannot read\n  the file"))
    'cannot read the file'
    """
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
