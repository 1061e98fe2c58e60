"""Tables of settings as TOML, which `tomllib` reads back."""

from __future__ import annotations

import json
from collections.abc import Mapping

Value = str | int | float | list[int]
Config = Mapping[str, Mapping[str, Value]]


def to_toml(tables: Config) -> str:
    r"""Write tables of strings, numbers and lists of integers as TOML; `tomllib` reads the same values back.

    Examples
    --------
    >>> print(to_toml({"data": {"name": "femnist", "rounds": 3, "shape": [1, 28, 28], "folder": 'a "b"'}}))
    [data]
    name = "femnist"
    rounds = 3
    shape = [1, 28, 28]
    folder = "a \"b\""
    """
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {_toml_value(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)


def _toml_value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # What JSON escapes is escaped alike in TOML, but for DEL. A lone surrogate (an undecodable path) has no UTF-8.
        text = value.encode("utf-8", "backslashreplace").decode()
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
