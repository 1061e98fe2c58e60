"""Measure again what `minizerofl expect` expects: run the documented commands with five seeds each.

    python docs/results/expected.py RUNS_FOLDER MACHINE TREE [DATA_FOLDER [NUMBER...]]

The runs go to RUNS_FOLDER; those that are there are not run again. MACHINE and TREE are noted beside the figures.
Commands on real data are run if DATA_FOLDER is given; with numbers, only these of `COMMANDS`, counted from 0. All other
entries stay as they are. The result is written to cli/minizerofl_cli/expect/expected.toml.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

from minizerofl_cli.expect.expected import FILE, Expected, decides, read_expected
from minizerofl_cli.runs.reading import RunFiles, find_runs

SEEDS = range(5)
SPEECH = "--dataset speech_commands --words bed,cat,happy --num-clients 6"
# Each command as the documents show it, and whether it needs real data.
COMMANDS = {
    "minizerofl train --dataset femnist --sparsity 0.95": False,
    "minizerofl train --dataset femnist --data-dir FOLDER": True,
    "minizerofl train --dataset femnist --sparsity 0 --uplink full --data-dir FOLDER": True,
    f"minizerofl train {SPEECH} --data-dir FOLDER": True,
    "minizerofl train --dataset cifar10 --data-dir FOLDER": True,
}


def run(command: str, seed: int, folder: Path, data: str) -> RunFiles:
    """Run a command with a seed, unless its run is there; go on with one that was stopped; return the run."""
    program = [sys.executable, "-m", "minizerofl_cli"]
    if not (folder.is_dir() and any(folder.iterdir())):
        source = [] if "FOLDER" in command else ["--source", "synthetic"]
        words = command.replace("FOLDER", data).split()[1:]
        subprocess.run([*program, *words, *source, "--seed", str(seed), "--runs-dir", str(folder)], check=True)
    (path,) = find_runs(folder)
    if RunFiles.read(path).summary.get("status") != "finished":
        subprocess.run([*program, "resume", str(path)], check=True)
    return RunFiles.read(path)


def measured(command: str, runs: list[RunFiles], machine: str, tree: str) -> Expected:
    """Return what the runs of a command reached."""
    config = runs[0].config
    real = config["data"]["source"] == "real"
    return Expected(
        command=command,
        config=decides(config),
        fingerprint=config["data"]["fingerprint"] if real else "",
        seeds=list(SEEDS),
        accuracies=[float(each.history.numbers("test_accuracy")[-1]) for each in runs],
        seconds=median(float(each.history.numbers("cum_seconds")[-1]) for each in runs),
        machine=machine,
        tree=tree,
    )


def as_toml(entries: list[Expected]) -> str:
    """Write the file of the package."""
    lines = ["# Written by docs/results/expected.py; nothing here is typed by hand."]
    for each in entries:
        lines += ["", "[[expected]]"]
        for name in ("command", "fingerprint", "seeds", "accuracies", "seconds", "machine", "tree"):
            lines.append(f"{name} = {json.dumps(getattr(each, name))}")
        for table, content in each.config.items():
            lines.append(f"[expected.config.{table}]")
            lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in content.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what can be measured here, and write the file."""
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    folder, machine, tree, data = Path(sys.argv[1]), sys.argv[2], sys.argv[3], "".join(sys.argv[4:5])
    chosen = [int(number) for number in sys.argv[5:]] or range(len(COMMANDS))
    before = {each.command: each for each in read_expected()} if FILE.exists() else {}
    entries = []
    for i, (command, real) in enumerate(COMMANDS.items()):
        if i not in chosen or (real and not data):
            entries += [before[command]] if command in before else []
            continue
        runs = [run(command, seed, folder / f"command{i}" / f"seed{seed}", data) for seed in SEEDS]
        entries.append(measured(command, runs, machine, tree))
    FILE.write_text(as_toml(entries), encoding="utf-8")


if __name__ == "__main__":
    main()
