"""Mistakes in code of the user's own: which line of which file an exception came from."""

from __future__ import annotations

import sysconfig
import traceback
from pathlib import Path
from types import CodeType

OURS = ("minizerofl", "minizerofl_datasets", "minizerofl_cli")
INSTALLED = {"site-packages", "dist-packages"}


class WorkerTraceback(Exception):  # noqa: N818 - it is the text of a traceback, not an error of its own
    """The traceback of an exception in a worker process, as text; it is the cause of the exception that arrives."""

    def __init__(self, text: str, place: str) -> None:
        super().__init__(text, place)
        self.place = place

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


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


def _is_users(file: str) -> bool:
    path = Path(file)
    return not (file.startswith("<") or path.is_relative_to(sysconfig.get_path("stdlib")) or INSTALLED & {*path.parts})


def _shown(code: CodeType, line: int) -> str:
    path = Path(code.co_filename)
    return f"in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}, line {line}"
