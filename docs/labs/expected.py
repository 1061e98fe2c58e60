"""Measure again what the laboratories expect: run each sweep file with more seeds, write the figures and the tables.

    python docs/labs/expected.py RUNS_FOLDER [LAB...]

The runs go to RUNS_FOLDER; those that are there are not run again. The figures of every seed are written to
expected.toml, and the tables of the pages are made of that file.
"""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minizerofl_cli.compare.statistics import bootstrap_interval

HERE = Path(__file__).parent
FILE = HERE / "expected.toml"
SEEDS = {"five-seeds": range(10)}  # the others have five
Row = Mapping[str, str]
Values = dict[str, list[float]]  # measure: its value for each seed


@dataclass(frozen=True)
class Lab:
    """What is taken of the runs of a laboratory.

    Attributes
    ----------
    first : str
        The title of the first column: what makes a group.
    group : str
        The name of a group, a format of the columns of results.csv.
    digits : dict of str to int
        The measures and the digits that the table shows of each.
    """

    first: str
    group: str
    digits: Mapping[str, int]


ACCURACY = {"accuracy, %": 1}
LABS = {
    "sparsity": Lab("sparsity", "{sparsity}", {**ACCURACY, "dense / sparse multiply-adds": 1}),
    "dense-evaluation": Lab(
        "uplink, sparsity", "{uplink}, {sparsity}", {"top weights, %": 1, "all weights, %": 1, "share not zero": 3}
    ),
    "mask-ratio": Lab(
        "uplink", "{uplink}, r = {mask_ratio}", {"after 10 rounds, %": 1, "at equal uplink, %": 1, "MB up": 1}
    ),
    "alpha": Lab("alpha", "{alpha}", {**ACCURACY, "balanced, %": 1, "largest fall in a round, points": 1}),
    "initialisation": Lab("polarity, init", "{polarity}, {init}", ACCURACY),
    "overlap": Lab("uplink", "{uplink}", {"initial": 3, "previous": 3, "between clients": 3}),
    "five-seeds": Lab("uplink", "{uplink}", ACCURACY),
    "bytes": Lab("r, codec", "{mask_ratio}, {codec}", {"MB up": 2, "MB down": 2, "dense MB up": 2}),
}


def seeds(lab: str) -> list[int]:
    """Return the seeds that a laboratory is measured with."""
    return list(SEEDS.get(lab, range(5)))


def run(lab: str, folder: Path) -> Path:
    """Run the sweep file of a laboratory with all its seeds; return the folder of the sweep."""
    text = re.sub(r"^seed = .*$", f"seed = {seeds(lab)}", (HERE / f"{lab}.toml").read_text(), flags=re.MULTILINE)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{lab}.toml"
    file.write_text(text)
    command = [sys.executable, "-m", "minizerofl_cli", "sweep", str(file), "-q", "--runs-dir", str(folder)]
    subprocess.run(command, check=True)
    return folder / f"sweep-{lab}"


def read(file: Path) -> list[dict[str, str]]:
    """Read a table of a run or of a sweep."""
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def column(file: Path, name: str) -> list[float]:
    """Return a column of a table as numbers."""
    return [float(row[name]) for row in read(file)]


def measured(lab: str, sweep: Path) -> dict[str, Values]:
    """Return every measure of every group, seed by seed."""
    rows = [row for row in read(sweep / "results.csv") if not row["same_as"]]
    smallest = min(float(row["cum_uplink_bytes"]) for row in rows)
    groups: dict[str, Values] = {}
    for row in rows:
        values = groups.setdefault(name_of(lab, row), {})
        for measure, value in figures(row, sweep / row["directory"], smallest).items():
            if measure in LABS[lab].digits and not math.isnan(value):
                values.setdefault(measure, []).append(round(value, 6))
    return groups


def name_of(lab: str, row: Row) -> str:
    """Return the group of a run. `full` has no mask ratio."""
    name = LABS[lab].group.format(**row)
    return row["uplink"] if row.get("uplink") == "full" and "r =" in name else name


def figures(row: Row, run: Path, budget: float) -> dict[str, float]:
    """Return all measures of a run; `budget` is the uplink in bytes at which runs are compared."""
    number = {name: float(value) for name, value in row.items() if re.fullmatch(r"[\d.e+-]+", value or "")}
    accuracy = [100 * value for value in column(run / "history.csv", "test_accuracy")]
    found = {
        "accuracy, %": accuracy[-1],
        "after 10 rounds, %": accuracy[-1],
        "top weights, %": accuracy[-1],
        "all weights, %": 100 * number.get("dense_test_accuracy", math.nan),
        "share not zero": number["density"],
        "dense / sparse multiply-adds": number["cum_dense_macs"] / number["cum_macs"],
        "at equal uplink, %": float(np.interp(budget, column(run / "history.csv", "cum_uplink_bytes"), accuracy)),
        "balanced, %": 100 * number["balanced_accuracy"],
        "largest fall in a round, points": max(0.0, -float(np.diff(accuracy).min())),
        "MB up": number["cum_uplink_bytes"] / 1e6,
        "MB down": number["cum_downlink_bytes"] / 1e6,
        "dense MB up": number["cum_dense_uplink_bytes"] / 1e6,
    }
    if (run / "overlap.csv").exists():
        last = next(each for each in reversed(read(run / "overlap.csv")) if each["layer"] == LAYER)
        for title, name in OVERLAPS.items():
            found[title] = float(last[name] or math.nan)
    return found


LAYER = "linear1.weight"
OVERLAPS = {"initial": "jaccard_initial", "previous": "jaccard_previous", "between clients": "clients_jaccard"}


def expected() -> dict[str, Any]:
    """Return what expected.toml says, by laboratory."""
    return tomllib.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def as_toml(entries: Mapping[str, Any]) -> str:
    """Write the file."""
    lines = ["# Written by docs/labs/expected.py on SYNTHETIC data; nothing here is typed by hand."]
    for lab in LABS:
        if lab in entries:
            lines += ["", f"[{lab}]", f"seeds = {entries[lab]['seeds']}"]
            for group, values in entries[lab]["groups"].items():
                lines.append(f"[{lab}.groups.{json.dumps(group)}]")
                lines += [f"{json.dumps(measure)} = {figures}" for measure, figures in values.items()]
    return "\n".join(lines) + "\n"


def limits(values: Sequence[float], digits: int) -> tuple[float, float]:
    """Return the range of some values, rounded outwards.

    Examples
    --------
    >>> limits([0.123, 0.456], 2)
    (0.12, 0.46)
    """
    scale = 10**digits
    return math.floor(min(values) * scale + 1e-9) / scale, math.ceil(max(values) * scale - 1e-9) / scale


def table(lab: str, entry: Mapping[str, Any]) -> str:
    """Write the table of a page: for each group and measure the lowest and the highest value, and the mean."""
    digits = LABS[lab].digits
    lines = [[LABS[lab].first, *digits], ["---"] * (1 + len(digits))]
    for group, values in entry["groups"].items():
        lines.append([group, *(_cell(values.get(measure, []), places) for measure, places in digits.items())])
    if lab == "five-seeds":
        lines += [[], *differences(entry)]
    return "".join(f"| {' | '.join(line)} |\n" if line else "\n" for line in lines)


def differences(entry: Mapping[str, Any]) -> list[list[str]]:
    """Return the lines of a table: r = 0.2 minus full, paired by seed, for five seeds at a time and for all of them."""
    more, full = (np.array(entry["groups"][uplink]["accuracy, %"]) for uplink in ("topk-weights", "full"))
    lines = [["seeds", "r = 0.2 minus full, points", "95 % interval"], ["---"] * 3]
    every = len(entry["seeds"])
    for start, end in [*((i, i + 5) for i in range(0, every, 5)), (0, every)]:
        values = (more - full)[start:end]
        low, high = bootstrap_interval(values)
        lines.append([f"{start} to {end - 1}", f"{values.mean():+.2f}", f"{low:+.2f} to {high:+.2f}"])
    return lines


def _cell(values: Sequence[float], digits: int) -> str:
    if not values:
        return "-"
    low, high = limits(values, digits)
    if f"{min(values):.{digits}f}" == f"{max(values):.{digits}f}":
        return f"{np.mean(values):.{digits}f}"
    return f"{low:.{digits}f} to {high:.{digits}f}, mean {np.mean(values):.{digits}f}"


MARKS = re.compile(r"(<!-- expected -->\n\n).*?(\n<!-- end of expected -->)", re.DOTALL)


def main() -> None:
    """Measure, write the file, and put the tables into the pages."""
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(LABS):
        sys.exit(__doc__)
    for lab in sys.argv[2:] or LABS:
        entry = {"seeds": seeds(lab), "groups": measured(lab, run(lab, Path(sys.argv[1])))}
        entries = {**expected(), lab: entry}
        FILE.write_text(as_toml(entries), encoding="utf-8")
        page = HERE / f"{lab}.md"
        text, made = page.read_text(encoding="utf-8"), table(lab, entry)
        page.write_text(MARKS.sub(lambda found, made=made: found[1] + made + found[2], text), encoding="utf-8")  # type: ignore[misc]


if __name__ == "__main__":
    main()
