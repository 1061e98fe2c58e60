"""Exceptions in code that runs for a client: where they came from, and how they travel between processes."""

from __future__ import annotations

import pickle
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import CodeType
from typing import Any

OURS = ("minizerofl", "minizerofl_datasets", "minizerofl_cli")
INSTALLED = {"site-packages", "dist-packages"}


class WorkerTraceback(Exception):  # noqa: N818 - it is the text of a traceback, not an error of its own
    """The traceback of an exception in a worker process, as text; it is the cause of the exception that arrives."""

    def __init__(self, text: str, place: str) -> None:
        super().__init__(text, place)
        self.place = place

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


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


def describe(error: BaseException) -> str:
    """Tell an exception on one line: its type, its message, and the line of the user's code that it came from.

    Examples
    --------
    >>> describe(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    message, place = " ".join(str(error).split()), users_line(error)
    return type(error).__name__ + (f": {message}" if message else "") + (f" ({place})" if place else "")


def users_line(error: BaseException) -> str:
    """Name the innermost line of an exception's traceback that is in a file of the user's; empty if there is none.

    Files of minizerofl, of Python itself and of installed packages are not the user's.
    """
    if isinstance(error.__cause__, WorkerTraceback):
        return error.__cause__.place
    places = [
        (frame.f_code, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").split(".")[0] not in OURS and _is_users(frame.f_code.co_filename)
    ]
    return _shown(*places[-1]) if places else ""


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


def _is_users(file: str) -> bool:
    path = Path(file)
    return not (file.startswith("<") or path.is_relative_to(sysconfig.get_path("stdlib")) or INSTALLED & {*path.parts})


def _shown(code: CodeType, line: int) -> str:
    path = Path(code.co_filename)
    return f"in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}, line {line}"
