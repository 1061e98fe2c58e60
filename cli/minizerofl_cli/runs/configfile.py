"""Options from a TOML file: defaults < file < flags. A run's own config.toml is such a file."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click

from minizerofl.registry import hint

# What config.toml says beside the options, by table; the model follows from the options.
DERIVED: Mapping[str, frozenset[str]] = {
    "run": frozenset({"minizerofl", "all_clients"}),
    "data": frozenset({"format", "origin", "fingerprint", "transform", "division", "division_sha256"}),
}

# The table [model] of config.toml repeats options; what it says beside them follows from the data.
MODEL_OPTIONS = {"name": "model", "sparsity": "sparsity", "seed": "init_seed"}
LARGEST = 2**63 - 1  # the largest integer that TOML promises to keep
MODEL_TABLE = "minizerofl_cli.model_table"  # key in the context of click


def read_options(path: Path, known: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    r"""Read options from a TOML file; they may stand in any table, or in none.

    Parameters
    ----------
    path : Path
        The file.
    known : collection of str
        The names of all options, with underscores.

    Returns
    -------
    options : dict of str to value
        The options, in the order of the file.
    model : dict of str to value
        What the table [model] says and no option does: the run must agree with it.

    Raises
    ------
    ConfigError
        The file cannot be read, or has an unknown or repeated key, or contradicts itself.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.toml"
    ...     _ = file.write_text('rounds = 3\n[settings]\nlr-start = 0.1\n')
    ...     read_options(file, ["rounds", "lr_start"])
    ({'rounds': 3, 'lr_start': 0.1}, {})
    """
    from minizerofl.fl.errors import ConfigError

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; expected a TOML file with options") from error
    except RecursionError:
        raise ConfigError(f"{path}: its tables or lists stand too deep in one another") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    options: dict[str, Any] = {}
    model: dict[str, Any] = {}
    for table, key, value in _entries(content):
        name = key.replace("-", "_")
        where = f"{path}: {table}.{key}" if table else f"{path}: {key}"
        if table == "model":
            model[name] = value
            continue
        if key in DERIVED.get(table, ()):
            continue
        if name not in known:
            raise ConfigError(f"{where} is unknown{hint(name, known)}")
        if name in options:
            raise ConfigError(f"{where} is given twice; keep one")
        options[name] = value
    for key, option in MODEL_OPTIONS.items():
        if key in model:
            _obey(path, key, model.pop(key), option, options)
    return options, model


def _obey(path: Path, key: str, value: Any, option: str, options: dict[str, Any]) -> None:
    """Take a value of the table [model] for the option it repeats; the two must agree if both are there."""
    from minizerofl.fl.errors import ConfigError

    expected = options.setdefault(option, value)
    if option == "sparsity" and expected == 0:  # the model is then built with that of a part, see `Settings`
        parts = ("weight_sparsity", "activation_sparsity", "uplink_sparsity")
        expected = max(options.get(part) or 0 for part in parts)
    if value != expected:
        flag = f"--{option.replace('_', '-')}"
        raise ConfigError(
            f"{path}: model.{key} is {value!r}, but {option} asks for {expected!r}; keep one, or use {flag}"
        )


def _entries(content: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    entries = []
    for key, value in content.items():
        if isinstance(value, dict):
            entries += [(key, name, each) for name, each in value.items()]
        else:
            entries.append(("", key, value))
    return entries


def as_typed(path: Path, name: str, value: Any, parameter: click.Parameter) -> Any:
    """Return a value of a file as it would be typed, so that it is checked like one; flags stay as they are.

    Raises
    ------
    ConfigError
        It could not be typed: a list, a flag for an option that is none, a text with a NUL, a giant of a number.

    Examples
    --------
    >>> as_typed(Path("a.toml"), "rounds", 5, click.Option(["--rounds"]))
    '5'
    >>> as_typed(Path("a.toml"), "rounds", True, click.Option(["--rounds"]))
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.ConfigError: a.toml: rounds is true, expected a number or a text
    """
    from minizerofl.fl.errors import ConfigError

    expected = ""
    flag = getattr(parameter, "is_flag", False)
    if isinstance(value, list | dict):
        raise ConfigError(
            f"{path}: {name} is a {type(value).__name__}, expected one value; lists are for minizerofl sweep"
        )
    if flag != isinstance(value, bool):
        expected = "true or false" if flag else "a number or a text"
    elif isinstance(value, int) and abs(value) > LARGEST:
        value, expected = "an integer of more than 64 bits", "a smaller one"
    elif isinstance(value, str) and "\0" in value:
        expected = "a text without NUL"
    if expected:
        shown = str(value).lower() if isinstance(value, bool) else value
        raise ConfigError(f"{path}: {name} is {shown}, expected {expected}")
    return value if flag else str(value)


def use_config(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    """Make the options of a file the defaults of a command; the callback of ``--config``."""
    if path is None:
        return
    options, ctx.meta[MODEL_TABLE] = read_options(
        path, [each.name for each in ctx.command.params if each.name and each is not parameter]
    )
    parameters = {each.name: each for each in ctx.command.params}
    ctx.default_map = {name: as_typed(path, name, value, parameters[name]) for name, value in options.items()}
