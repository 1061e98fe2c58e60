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
    "run": frozenset({"minizerofl"}),
    "data": frozenset({"format", "origin", "fingerprint", "transform", "division", "division_sha256"}),
}

# The table [model] of config.toml repeats options; what it says beside them follows from the data.
MODEL_OPTIONS = {"name": "model", "sparsity": "sparsity", "seed": "init_seed"}
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


def as_text(value: Any) -> Any:
    """Return a value as it would be typed, so that it is checked like one; flags stay as they are.

    Examples
    --------
    >>> as_text(0.5), as_text(True)
    ('0.5', True)
    """
    return value if isinstance(value, bool) else str(value)


def use_config(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    """Make the options of a file the defaults of a command; the callback of ``--config``."""
    if path is None:
        return
    options, ctx.meta[MODEL_TABLE] = read_options(
        path, [each.name for each in ctx.command.params if each.name and each is not parameter]
    )
    for name, value in options.items():
        if isinstance(value, list | dict):
            raise click.BadParameter(
                f"{path}: {name} is a {type(value).__name__}, expected one value; lists are for minizerofl sweep",
                ctx,
                parameter,
            )
    ctx.default_map = {name: as_text(value) for name, value in options.items()}
