"""The break-even densities of this machine: `minizerofl bench --calibrate` writes them, every run reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from minizerofl.fl.errors import ConfigError
from minizerofl_cli.runs.environment import environment
from minizerofl_datasets.cache import cache_folder, write_atomically


def calibration_file() -> Path:
    """Return where the break-even densities of this machine are kept: breakeven.json in the cache folder."""
    return cache_folder() / "breakeven.json"


def write_calibration(measured: Mapping[str, float]) -> Path:
    """Add break-even densities, by kind of layer, to those of this machine; those of the same kinds are replaced."""
    file = calibration_file()
    kept = read_calibration() | dict(measured)
    with write_atomically(file) as part:
        part.write_text(
            json.dumps({"environment": environment(), "break_even": kept}, indent=1) + "\n", encoding="utf-8"
        )
    return file


def read_calibration() -> dict[str, float]:
    """Return the break-even densities that were measured on this machine, by kind of layer; empty if none were.

    Raises
    ------
    ConfigError
        The file is damaged.
    """
    file = calibration_file()
    if not file.exists():
        return {}
    try:
        measured = json.loads(file.read_text(encoding="utf-8"))["break_even"]
        return {kind: float(density) for kind, density in measured.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{file}: is not a calibration file; delete it, or run minizerofl bench --calibrate again"
        ) from error
