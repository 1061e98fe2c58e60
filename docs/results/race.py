"""A race to an accuracy: what `minizerofl bench --federation --json` measured, as a CSV file and as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

HERE = Path(__file__).parent
Curves: TypeAlias = dict[str, np.ndarray]  # of a contestant: a column for each round, (rounds,) each


def write(measured: Path, output: Path) -> None:
    """Write the CSV file of a race from what `minizerofl bench --federation --json` wrote."""
    columns = ("round", "test_accuracy", "seconds", "eval_seconds", "uplink_bytes", "downlink_bytes")
    lines = [
        [each["name"], str(each["settings"]["lr_start"]), *(f"{round[name]:.6g}" for name in columns[:4])]
        + [str(round[name]) for name in columns[4:]]
        for each in json.loads(measured.read_text(encoding="utf-8"))["contestants"]
        for round in each["rounds"]
    ]
    with output.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("contestant", "lr", *columns), *lines])


def read(name: str) -> dict[str, Curves]:
    """Read a race: for each contestant the accuracy in % after each round, and what it had spent until then."""
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    race: dict[str, Curves] = {}
    for contestant in dict.fromkeys(row["contestant"] for row in cells):
        its = [row for row in cells if row["contestant"] == contestant]
        columns = {name: np.array([float(row[name]) for row in its]) for name in its[0] if name != "contestant"}
        spent = {name: columns[name].cumsum() for name in ("seconds", "eval_seconds", "uplink_bytes", "downlink_bytes")}
        race[contestant] = {**spent, "round": columns["round"], "accuracy": 100 * columns["test_accuracy"]}
    return race


def reached(contestant: Curves, target: float) -> dict[str, float] | None:
    """Return what a contestant had spent when an evaluation first reached a target accuracy in %; None if none did.

    Examples
    --------
    >>> reached({"accuracy": np.array([69.0, 70.0]), "seconds": np.array([3.0, 6.0])}, 70)["seconds"]
    6.0
    """
    there = np.flatnonzero(contestant["accuracy"].round(9) >= target)
    return {column: float(values[there[0]]) for column, values in contestant.items()} if there.size else None


def rows(name: str, targets: Sequence[float] = (70, 75, 78)) -> Iterator[list[str]]:
    """Yield the rows of a race: what each contestant had spent when it first reached a target, and the end."""
    yield ["", "to", "rounds", "s", "s with evaluation", "GB up", "GB both"]
    for target in (*targets, None):
        for contestant, its in read(name).items():
            at = reached(its, target) if target else {column: values[-1] for column, values in its.items()}
            goal = f"{target} %" if target else f"the end: {its['accuracy'][-1]:.1f} %"
            if at is None:
                yield [contestant, goal, "not reached", "", "", "", ""]
                continue
            up, both = at["uplink_bytes"] / 1e9, (at["uplink_bytes"] + at["downlink_bytes"]) / 1e9
            seconds = f"{at['seconds']:.1f}", f"{at['seconds'] + at['eval_seconds']:.1f}"
            yield [contestant, goal, f"{at['round']:.0f}", *seconds, f"{up:.1f}", f"{both:.1f}"]
