"""Make the runs of docs/bytes.md, and its tables from them.

    python docs/results/bytes.py run RUNS_FOLDER DATA_FOLDER [SETTING...]
    python docs/results/bytes.py table RUNS_FOLDER

The first command makes a run on real FEMNIST for each setting and seed in RUNS_FOLDER/SETTING-SEED; a run that is there
is not made again, and one that was stopped is continued. The second writes docs/results/bytes.csv, a row for each
evaluation, and prints the tables. Settings and seeds that are not complete are left out.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from minizerofl.fl import SealError
from minizerofl_cli.runs.reading import RunFiles, find_runs

SEEDS = range(3)
CURVES = Path(__file__).with_name("bytes.csv")
COMMON = "--dataset femnist --rounds 100 --schedule-rounds 100 --eval-every 2 --masks-every 0 --keep-checkpoints 1"
DENSE = "--sparsity 0 --uplink full"
ZEROFL = "--sparsity 0.95 --mask-ratio 0.2 --uplink topk-weights"
EARLIER = 35  # rounds of dense training that cost about as many bytes as 100 of ZeroFL without loss
SETTINGS = {
    "dense float32": f"{DENSE} --downlink-codec dense",
    "dense int8": f"{DENSE} --values int8 --downlink-values int8",
    "dense EDEN 4": f"{DENSE} --values eden4 --downlink-values eden4",
    "dense EDEN 1": f"{DENSE} --values eden1 --downlink-values eden1",
    "ZeroFL as published": f"{ZEROFL} --codec csr --downlink-codec dense",
    "ZeroFL lossless": f"{ZEROFL} --codec auto --downlink-codec auto",
    "ZeroFL int8": f"{ZEROFL} --codec auto --downlink-codec auto --values int8 --downlink-values int8",
    "random-k": "--sparsity 0 --uplink-sparsity 0.95 --mask-ratio 0.2 --uplink random-k",
    "dense stopped earlier": f"{DENSE} --downlink-codec dense --rounds {EARLIER} --schedule-rounds {EARLIER}",
}
COLUMNS = ("setting", "seed", "round", "test_accuracy", "uplink_bytes", "downlink_bytes")
BUDGETS = (1, 2, 5, 10, 20, 40)  # GB both ways, all clients together
GB = 1e9

Rows = list[dict[str, str]]


def make(folder: Path, data: str, setting: str, seed: int) -> None:
    """Make the run of a setting and a seed, or go on with it, or leave it if it is done."""
    home = folder / f"{setting.replace(' ', '-')}-{seed}"
    program = [sys.executable, "-m", "minizerofl_cli"]
    if not (home.is_dir() and any(home.iterdir())):
        words = f"{COMMON} {SETTINGS[setting]}".split()
        more = ["--source", "real", "--data-dir", data, "--seed", str(seed), "--runs-dir", str(home)]
        subprocess.run([*program, "train", *words, *more], check=True)
    (path,) = find_runs(home)
    if RunFiles.read(path).summary.get("status") != "finished":
        subprocess.run([*program, "resume", str(path)], check=True)


def collect(folder: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of bytes.csv from the runs that are finished."""
    for setting in SETTINGS:
        for seed in SEEDS:
            home = folder / f"{setting.replace(' ', '-')}-{seed}"
            try:
                (path,) = find_runs(home)
                run = RunFiles.read(path)
            except (SealError, ValueError):
                continue
            if run.summary.get("status") != "finished":
                continue
            numbers = run.history.numbers
            accuracy, up, down = map(numbers, ("test_accuracy", "cum_uplink_bytes", "cum_downlink_bytes"))
            for i in np.flatnonzero(run.history.evaluated):
                cells = setting, seed, i + 1, f"{accuracy[i]:.6f}", f"{up[i]:.0f}", f"{down[i]:.0f}"
                yield dict(zip(COLUMNS, map(str, cells), strict=True))


def tables(rows: Rows) -> Iterator[str]:
    """Yield the tables of the chapter as Markdown: at the end of each run, and at equal bytes both ways."""
    runs: dict[str, list[Rows]] = {}
    for setting in SETTINGS:
        for seed in SEEDS:
            run = [row for row in rows if (row["setting"], row["seed"]) == (setting, str(seed))]
            if run:
                runs.setdefault(setting, []).append(run)
    yield "| setting | rounds | MB up | MB down | MB both | accuracy in % |"
    yield "|---|---|---|---|---|---|"
    for setting, each in runs.items():
        last = [run[-1] for run in each]
        rounds = int(last[0]["round"])
        clients = 10 * rounds
        up, down = (mean(float(row[f"{way}_bytes"]) for row in last) / clients / 1e6 for way in ("uplink", "downlink"))
        found = spread([100 * float(row["test_accuracy"]) for row in last])
        yield f"| {setting} | {rounds} | {up:.2f} | {down:.2f} | {up + down:.2f} | {found} |"
    yield ""
    yield f"| accuracy in % at | {' | '.join(f'{budget} GB' for budget in BUDGETS)} |"
    yield f"|---|{'---|' * len(BUDGETS)}"
    for setting, each in runs.items():
        cells = [spread([at_budget(run, budget * GB) for run in each]) for budget in BUDGETS]
        yield f"| {setting} | {' | '.join(cells)} |"


def at_budget(run: Rows, budget: float) -> float:
    """Return the accuracy in % of a run when its bytes both ways reach a budget; NaN if they never do.

    Examples
    --------
    >>> row = {"test_accuracy": "0.5", "uplink_bytes": "4", "downlink_bytes": "6"}
    >>> at_budget([{"test_accuracy": "0", "uplink_bytes": "0", "downlink_bytes": "0"}, row], 5)
    25.0
    """
    spent = [float(row["uplink_bytes"]) + float(row["downlink_bytes"]) for row in run]
    accuracy = [100 * float(row["test_accuracy"]) for row in run]
    return float(np.interp(budget, spent, accuracy, left=np.nan, right=np.nan))


def spread(values: list[float]) -> str:
    """Return the mean and the standard deviation.

    Examples
    --------
    >>> spread([1.0, 3.0]), spread([float("nan")])
    ('2.0 ± 1.4', '-')
    """
    if any(map(np.isnan, values)):
        return "-"
    return f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def main(arguments: list[str]) -> None:
    """Make the runs or the tables."""
    if arguments[:1] == ["run"] and len(arguments) >= 3:
        for seed in SEEDS:  # all settings with the first seed come first
            for setting in arguments[3:] or SETTINGS:
                make(Path(arguments[1]), arguments[2], setting, seed)
    elif arguments[:1] == ["table"] and len(arguments) == 2:
        rows = list(collect(Path(arguments[1])))
        with CURVES.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(*tables(rows), sep="\n")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
