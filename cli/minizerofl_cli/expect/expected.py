"""What the commands of the documentation reach: accuracies over seeds, time and machine, read from expected.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

FILE = Path(__file__).parent / "expected.toml"
COVERAGE = 0.95  # how often a run as it should be lies inside the range

# What decides nothing of the final accuracy, or only who measures: left out when two runs are compared.
FREE = {
    "data": ("format", "origin", "partition_seed", "division_sha256", "fingerprint"),
    "model": ("seed",),
    "settings": (
        *("seed", "init_seed", "dense_layers", "eval_every", "eval_samples", "eval_dense", "masks_every"),
        *("codec", "downlink_codec", "quorum", "round_deadline"),
    ),
}


@dataclass(frozen=True)
class Expected:
    """What a command reaches.

    Attributes
    ----------
    command : str
        The command, as the documents show it.
    config : mapping
        What decides its result, by table of config.toml, see `decides`.
    fingerprint : str
        That of the real data; empty for synthetic data, which follow from the seed.
    seeds : sequence of int
        The seeds that were run.
    accuracies : sequence of float
        The test accuracy after the last round for each of them, between 0 and 1.
    seconds : float
        Median wall time of a run in seconds.
    machine, tree : str
        Where it was measured, and on which commit.
    """

    command: str
    config: Mapping[str, Mapping[str, Any]]
    fingerprint: str
    seeds: Sequence[int]
    accuracies: Sequence[float]
    seconds: float
    machine: str
    tree: str

    @cached_property
    def range(self) -> tuple[float, float]:
        """The range in which 95 of 100 further runs with other seeds lie, if accuracies are normally distributed.

        It is the prediction interval of the mean m and the standard deviation s over n seeds: m ± t s sqrt(1 + 1/n),
        where t is the quantile of Student's distribution with n - 1 degrees of freedom.

        Examples
        --------
        >>> low, high = Expected("", {}, "", range(5), [0.68, 0.69, 0.70, 0.69, 0.69], 1.0, "", "").range
        >>> f"{low:.4f} {high:.4f}"
        '0.6685 0.7115'
        """
        from scipy.stats import t

        n = len(self.accuracies)
        spread = float(t.ppf((1 + COVERAGE) / 2, n - 1)) * stdev(self.accuracies) * sqrt(1 + 1 / n)
        middle = mean(self.accuracies)
        return max(0.0, middle - spread), min(1.0, middle + spread)


def decides(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the part of a config.toml that decides the accuracy, up to seeds.

    Examples
    --------
    >>> decides({"run": {"workers": 2}, "data": {"dataset": "femnist", "partition_seed": 1}, "model": {"seed": 0}})
    {'data': {'dataset': 'femnist'}, 'model': {}}
    """
    return {
        table: {key: value for key, value in content.items() if key not in FREE.get(table, ())}
        for table, content in config.items()
        if table != "run"
    }


def read_expected(file: Path = FILE) -> list[Expected]:
    """Read what is expected of the commands of the documentation.

    Parameters
    ----------
    file : Path
        The file in the package, or one that was written by the script that measures.
    """
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return [Expected(**entry) for entry in content["expected"]]
