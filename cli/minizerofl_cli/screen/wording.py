"""Messages of the Python packages in the words of the command line: `--sparsity 95.0`, not ``sparsity is 95.0``."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Remedies that only a caller in Python can take, and what to do on the command line instead.
REMEDIES = {
    ", or None for all clients": "",
    "make it again with partition.split": "give the --source and --data-dir that it was made with, or make it again "
    "with minizerofl data partition",
    "(replace=True, --replace)": "with --replace",
    "variant=": "version=",
}
VALUE = r"""(\([^()]*\)|'[^']*'|"[^"]*"|[^\s:;,]+)"""  # a value as Python writes it


def in_options(text: str, flags: Mapping[str, str]) -> str:
    """Return a message with options as they are typed.

    Parameters
    ----------
    text : str
        A message that may speak of arguments and settings.
    flags : mapping of str to str
        The option for each name: ``{"mask_ratio": "--mask-ratio"}``.

    Examples
    --------
    >>> flags = {"sparsity": "--sparsity", "clients": "--clients", "data_dir": "--data-dir"}
    >>> in_options("sparsity is 95.0, expected 0 <= sparsity < 1", flags)
    '--sparsity 95.0: expected 0 <= value < 1'
    >>> in_options("clients=-1: give a number of at least 1, or None for all clients.", flags)
    '--clients -1: give a number of at least 1.'
    >>> in_options("sparsity is not an option of 'femnist'; it takes clients, data_dir.", flags)
    '--sparsity is not an option of femnist; it takes --clients, --data-dir.'
    """
    for python, typed in REMEDIES.items():
        text = text.replace(python, typed)
    names = "|".join(sorted(map(re.escape, flags), key=len, reverse=True))
    listed = re.fullmatch(rf"({names}) is not an option of '([^']*)'; it takes (.*)\.", text)
    if listed:
        name, dataset, others = listed.groups()
        takes = ", ".join(flags[other] for other in others.split(", ") if other in flags)
        return f"{flags[name]} is not an option of {dataset}; it takes {takes}."

    def value(found: re.Match[str]) -> str:
        return f"{flags[found[1]]} {_plain(found[2])}"

    text = re.sub(rf"^({names}) is ('[^']*'|[^\s,;]*), expected", lambda found: f"{value(found)}: expected", text)
    text = re.sub(rf"^({names}) ('[^']*')(?= )", value, text)
    text = re.sub(rf"(<=?) ({names}) (<=?)", r"\1 value \3", text)
    text = re.sub(rf"^({names})(?=: | is )", lambda found: flags[found[1]], text)
    text = re.sub(rf"(?<![\w/.'\"-])({names})={VALUE}", value, text)
    # A name with an underscore is not a word of English: it stands for the option wherever it is.
    return re.sub(
        rf"(?<![\w/.'\"-])({names})(?![\w/.'\"=])",
        lambda found: flags[found[1]] if "_" in found[1] else found[0],
        text,
    )


def _plain(value: str) -> str:
    """Write a value of Python as it is typed.

    Examples
    --------
    >>> _plain("'full'"), _plain("('bed', 'cat')"), _plain("95.0")
    ('full', 'bed,cat', '95.0')
    """
    if value.startswith("(") and value.endswith(")"):
        return ",".join(_plain(part.strip()) for part in value[1:-1].split(",") if part.strip())
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
