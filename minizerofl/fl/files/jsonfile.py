"""The JSON files of a run: summary.json, environment.json and partition.json, all of which can be written again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minizerofl.fl.files.sealed import write_atomically


def write_json(file: str | os.PathLike[str], content: Mapping[str, object]) -> None:
    """Write a JSON file, all of it or nothing.

    Raises
    ------
    OSError
        The disk is full or the folder cannot be written to. An older file is then left as it was.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_atomically(file, text.encode("utf-8", "backslashreplace"))


def read_json(file: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a JSON file; empty if it is missing or damaged.

    Examples
    --------
    >>> read_json(Path("nothing.json"))
    {}
    """
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
