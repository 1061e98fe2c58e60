"""Exceptions of clients: how they travel between processes, and whether they are alike."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Sequence
from typing import Any

from minizerofl.usercode import WorkerTraceback, describe, users_line


class Crash:
    """An exception that can be sent to another process, where its traceback arrives as a `WorkerTraceback`.

    Parameters
    ----------
    error : Exception
        The exception; one that cannot be pickled arrives as a `RuntimeError` with its name and message.

    Attributes
    ----------
    error : Exception
        The exception.
    place : str
        Where it came from in the user's code, see `users_line`.

    Examples
    --------
    >>> try:
    ...     1 / 0
    ... except ZeroDivisionError as error:
    ...     arrived = pickle.loads(pickle.dumps(Crash(error))).error
    >>> arrived, type(arrived.__cause__).__name__
    (ZeroDivisionError('division by zero'), 'WorkerTraceback')
    """

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.place = users_line(error)

    def __str__(self) -> str:
        return describe(self.error)

    def __reduce__(self) -> tuple[Any, ...]:
        text = "".join(traceback.format_exception(self.error))
        try:
            pickled = pickle.dumps(self.error)
            pickle.loads(pickled)
        except Exception:  # Whatever the user's class does when it is pickled.
            pickled = pickle.dumps(RuntimeError(f"{type(self.error).__name__}: {self.error}"))
        return _arrive, (pickled, text, self.place)


def _arrive(pickled: bytes, text: str, place: str) -> Crash:
    error = pickle.loads(pickled)
    error.__cause__ = WorkerTraceback(text, place)
    return Crash(error)


def alike(crashes: Sequence[Crash]) -> bool:
    """Whether exceptions have the same type, and the same message or the same place in the user's code.

    Examples
    --------
    >>> alike([Crash(KeyError("a")), Crash(KeyError("a"))]), alike([Crash(KeyError("a")), Crash(KeyError("b"))])
    (True, False)
    """
    places = {crash.place for crash in crashes}
    same_place = len(places) == 1 and places != {""}
    return len({type(crash.error) for crash in crashes}) == 1 and (
        same_place or len({str(crash.error) for crash in crashes}) == 1
    )
