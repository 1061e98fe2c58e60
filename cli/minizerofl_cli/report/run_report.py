"""The report of a run: one HTML file about a run directory in any state."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

from minizerofl.fl.files.sealed import write_atomically
from minizerofl_cli.report.accuracy import accuracy_section, clients_section
from minizerofl_cli.report.costs import costs_section
from minizerofl_cli.report.page import code, facts, figures_in_large, folded, page, paragraph, section
from minizerofl_cli.report.rundata import RunData
from minizerofl_cli.report.sparsity import masks_section, sparsity_section
from minizerofl_cli.report.units import BYTES, COUNTS, SECONDS, amount, percent, times_less

NAME = "report.html"


def write_report(path: Path, output: Path | None = None) -> tuple[RunData, Path]:
    """Write the report of a run.

    Parameters
    ----------
    path : Path
        The run directory.
    output : Path, optional
        The file to write; report.html in the run directory by default. Its folder is made if it is missing.

    Returns
    -------
    tuple of RunData and Path
        What was read, and the file.

    Raises
    ------
    ConfigError
        It is not a run directory.
    OSError
        The file cannot be written.
    """
    run = RunData.read(path)
    file = output or path / NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, run_report(run).encode())
    return run, file


def write_report_if_possible(path: Path, say: Callable[[str], None]) -> None:
    """Write the report at the end of a run; if that fails, say why: the run is whole without it."""
    try:
        write_report(path)
    except Exception as error:
        say(f"Note: {NAME} cannot be written ({type(error).__name__}: {error}); try minizerofl report {path}")


def run_report(run: RunData) -> str:
    """Return the report of a run as HTML."""
    synthetic = "SYNTHETIC data: drawn by a program. No figure on this page is a result on real data."
    return page(
        run_title(run),
        [state(run), *_data(run), *_damage(run)],
        [
            _in_large(run),
            _what_was_run(run),
            accuracy_section(run),
            clients_section(run),
            sparsity_section(run),
            masks_section(run),
            costs_section(run),
            _how_to_repeat(run),
        ],
        notice=synthetic if run.synthetic else "",
    )


def run_title(run: RunData) -> str:
    """Return what a run is, in a few words."""
    s = run.table("settings")
    data = run.table("data").get("dataset") or run.summary.get("dataset") or run.name
    parts = [f"{data} ({'SYNTHETIC' if run.synthetic else 'real data'})"]
    parts += [f"{label} {s[key]}".strip() for key, label in TITLE.items() if key in s]
    return ", ".join(parts)


TITLE = {"uplink": "", "sparsity": "sp", "mask_ratio": "r", "seed": "seed"}


def state(run: RunData) -> str:
    """Say how far a run got, and how it ended."""
    done, planned = len(run.history), run.summary.get("rounds") or run.table("settings").get("rounds")
    rounds = f"{done} of {planned} rounds" if planned else f"{done} rounds"
    status, reason = run.summary.get("status"), run.summary.get("reason")
    ended = {
        "finished": f"Finished: {rounds}.",
        "interrupted": f"Interrupted after {rounds}.",
        "failed": f"Failed after {rounds}: {str(reason or 'the reason is not known').rstrip('.')}.",
        "running": f"Not at its end: {rounds} are complete. It is still running, or it was killed.",
    }
    return ended.get(str(status), f"{rounds} are complete; summary.json does not say how the run ended.")


def _data(run: RunData) -> list[str]:
    origin = run.table("data").get("origin")
    return [f"Data: {origin}."] if origin else []


def _damage(run: RunData) -> list[str]:
    if not run.damaged:
        return []
    return [f"Missing or damaged: {', '.join(run.damaged)}. This page shows what the other files hold."]


def _in_large(run: RunData) -> str:
    rows = run.history
    if not rows.cells:
        return ""
    accuracy, majority = rows.last("test_accuracy"), run.summary.get("majority_accuracy")
    up, dense = rows.total("uplink_bytes"), rows.total("dense_uplink_bytes")
    kept, all_macs = rows.total("macs"), rows.total("dense_macs")
    figures = [
        (
            percent(accuracy) if accuracy == accuracy else "not yet",
            "test accuracy",
            f"majority class {percent(majority)}" if isinstance(majority, int | float) else "",
        ),
        (amount(up, BYTES), "total uplink", times_less(dense, up)),
        (amount(kept, COUNTS), "multiply-adds in training", times_less(all_macs, kept, "fewer")),
        (amount(rows.last("cum_seconds"), SECONDS), "wall time of the rounds", _energy(run)),
    ]
    return figures_in_large(figures)


def _energy(run: RunData) -> str:
    joules, sources = run.history.total("energy_joules"), set(run.history.texts("energy_source"))
    if math.isnan(joules):
        return ""
    return f"{joules / 3600:,.3g} Wh, {'measured' if sources == {'rapl'} else 'a rough estimate'}"


SETUP = {  # what a reader asks first: table and key of config.toml, and what it is called
    ("data", "division"): "division",
    ("run", "recipe"): "recipe",
    ("model", "name"): "model",
    ("settings", "uplink"): "uplink",
    ("settings", "sparsity"): "sparsity sp",
    ("settings", "mask_ratio"): "mask ratio r",
    ("settings", "rounds"): "rounds planned",
    ("settings", "clients_per_round"): "clients a round",
    ("settings", "local_epochs"): "local epochs",
    ("settings", "batch_size"): "batch size",
    ("settings", "server"): "server",
    ("settings", "codec"): "codec",
    ("settings", "values"): "values",
    ("settings", "downlink_codec"): "downlink codec",
    ("settings", "downlink_values"): "downlink values",
    ("settings", "seed"): "seed",
    ("settings", "inject"): "faults on purpose",
}


def _what_was_run(run: RunData) -> str:
    pairs = [
        (label, str(value))
        for (table, key), label in SETUP.items()
        if (value := run.table(table).get(key)) not in (None, "")
    ]
    clients = run.partition.get("clients")
    if isinstance(clients, dict):
        train, test = (_samples(clients.values(), part) for part in ("train", "test"))
        pairs.insert(0, ("clients", f"{len(clients):,} with {train:,} training and {test:,} test samples"))
    s = run.table("settings")
    if "lr_start" in s and "lr_end" in s:
        pairs.append(("learning rate", f"{s['lr_start']} → {s['lr_end']}"))
    if "best_round" in run.summary:
        best = run.summary.get("best_validation_accuracy")
        said = f"round {run.summary['best_round']}" + (f", {percent(best)}" if isinstance(best, int | float) else "")
        pairs.append(("best in validation", said))
    return section("What was run", facts(pairs) if pairs else "")


def _samples(clients: Iterable[object], part: str) -> int:
    counts = [client.get(part) for client in clients if isinstance(client, dict)]
    return sum(count for count in counts if isinstance(count, int))


def _how_to_repeat(run: RunData) -> str:
    command = f"minizerofl train --config {shlex.quote(str(run.path / 'config.toml'))}"
    environment = {key: value for key, value in run.environment.items() if key != "packages"}
    packages = run.environment.get("packages")
    machine = facts([(key, _said(value)) for key, value in environment.items()]) if environment else ""
    versions = facts([(key, str(value)) for key, value in packages.items()]) if isinstance(packages, dict) else ""
    return section(
        "How to repeat it",
        code(command),
        paragraph("It makes the same run again, on the same machine and package versions to the bit.", small=True),
        folded("config.toml", code(run.config_text)) if run.config_text else "",
        folded("Machine and versions", machine, versions) if machine or versions else "",
    )


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
