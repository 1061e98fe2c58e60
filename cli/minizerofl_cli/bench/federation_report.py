"""What `minizerofl bench --federation` shows and writes: the tables, the JSON and the picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from minizerofl.fl.round import Round
from minizerofl_cli.bench import blazefl
from minizerofl_cli.bench.federation import Contestant, Spent, spent_to
from minizerofl_cli.bench.ratio import ratio, ratio_text
from minizerofl_cli.runs.environment import environment, processor
from minizerofl_cli.screen.pictures import picture
from minizerofl_cli.screen.progress import MB
from minizerofl_cli.screen.tables import fitting_table, table

SPENT = ("rounds", "s", "s with evaluation", "MB up", "MB up+down")
STYLES = ("-", "--", "-.", ":")


def result_lines(contestants: Sequence[Contestant], targets: Sequence[float], width: int) -> Iterator[str]:
    """Write a table of the whole training, and one for each target accuracy."""
    rows = [
        (
            each.name,
            f"{each.settings.lr_start:g}",
            f"{100 * each.rounds[-1].score.accuracy:.1f} %",
            *_spent(Spent.of(each.rounds)),
        )
        for each in contestants
    ]
    yield "Whole training; accuracy is that of the last round, on all test samples:"
    yield from _fitting(("", "first LR", "accuracy", *SPENT), rows, width)
    for target in targets:
        yield ""
        rows_to = [(each.name, *_spent(spent_to(each.rounds, target))) for each in contestants]
        yield from _fitting((f"to {target:g} %", *SPENT), rows_to, width)


def speed_lines(contestants: Sequence[Contestant], width: int) -> Iterator[str]:
    """Write how fast the rounds were: medians without the first round, and ratios to the first contestant by turns."""
    first = contestants[0]
    head = ("", "rounds a minute", "with evaluation", "client steps a second", f"against {first.name}")
    yield "Speed; medians over all rounds but the first, ratios round by round with their quartiles:"
    rows = [(each.name, *_speed(each, first)) for each in contestants]
    yield from fitting_table(head, rows, width, (head[3], head[2]), "--json FILE")


def _speed(contestant: Contestant, first: Contestant) -> tuple[str, ...]:
    rounds = contestant.rounds[1:] or contestant.rounds
    seconds = [_seconds(record) for record in rounds]
    evaluation = float(np.mean([record.eval_seconds for record in rounds]))
    batch, epochs = contestant.settings.batch_size, contestant.settings.local_epochs
    steps = [epochs * sum(-(-outcome.num_samples // batch) for outcome in record.outcomes) for record in rounds]
    theirs = [1 / _seconds(record) for record in first.rounds[-len(rounds) :]]
    return (
        f"{60 / np.median(seconds):.1f}",
        f"{60 / (np.median(seconds) + evaluation):.1f}",
        f"{np.median([n / s for n, s in zip(steps, seconds, strict=True)]):.1f}",
        "" if contestant is first else ratio_text(ratio([1 / each for each in seconds], theirs)),
    )


def _seconds(record: Round) -> float:
    return record.train_seconds + record.aggregate_seconds


def _fitting(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    return fitting_table(head, rows, width, ("MB up+down", "s with evaluation"), "--json FILE")


def _spent(spent: Spent | None) -> tuple[str, ...]:
    if spent is None:
        return ("not reached", "", "", "", "")
    return (
        str(spent.rounds),
        f"{spent.seconds:.1f}",
        f"{spent.seconds_with_evaluation:.1f}",
        f"{spent.uplink_bytes / MB:,.1f}",
        f"{spent.both_bytes / MB:,.1f}",
    )


def blazefl_lines(contestants: Sequence[Contestant], workers: int, scaled: str) -> Iterator[str]:
    """Put our times beside the published ones, each with its machine; a scaled run is called that."""
    ours = [
        (each.name if each.name == "torch" else f"minizerofl, {each.name}", workers, Spent.of(each.rounds))
        for each in contestants
    ]
    yield "BlazeFL's public speed test, seconds with evaluation:"
    yield from table(
        ("", "workers", "s", "machine"),
        [
            *((name, str(n), f"{spent.seconds_with_evaluation:.1f}", "this one") for name, n, spent in ours),
            *((each.name, str(each.workers), f"about {each.seconds:g}", "theirs") for each in blazefl.TIMES),
        ],
        left=(0, 3),
    )
    yield f"This machine: {machine()}. Theirs: {blazefl.MACHINE}; their times are read off charts."
    if scaled:
        yield scaled


def machine() -> str:
    """Name the machine: its processor and the cores that may be used.

    Examples
    --------
    >>> "core" in machine()
    True
    """
    cores = environment()["usable_cores"]
    return f"{processor()}, {cores} usable core{'s' * (cores != 1)}"


def as_json(
    opening: Sequence[str], contestants: Sequence[Contestant], targets: Sequence[float], workers: int, compiled: float
) -> dict[str, object]:
    """Return everything, nothing rounded; what does not exist is None."""
    return {
        "environment": {**environment(), "processor": processor()},
        "input": list(opening),
        "workers": workers,
        "compiled_seconds": compiled,
        "contestants": [
            {
                "name": each.name,
                "settings": asdict(each.settings),
                "searched": [
                    {"lr_start": rate, "validation_accuracy": _number(found)} for rate, found in each.searched.items()
                ],
                "whole": asdict(Spent.of(each.rounds)),
                "to_accuracy": [
                    {"target": target, "spent": spent and asdict(spent)}
                    for target in targets
                    for spent in (spent_to(each.rounds, target),)
                ],
                "rounds": [_round(record) for record in each.rounds],
            }
            for each in contestants
        ],
    }


def _round(record: Round) -> dict[str, object]:
    return {
        "round": record.round,
        "lr": record.lr,
        "clients": list(record.clients),
        "train_loss": record.train_loss,
        "test_accuracy": _number(record.score.accuracy),
        "test_loss": _number(record.score.loss),
        "seconds": _seconds(record),
        "eval_seconds": record.eval_seconds,
        "uplink_bytes": record.uplink_bytes,
        "downlink_bytes": record.downlink_bytes,
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def plot_race(contestants: Sequence[Contestant], title: str, image: Path) -> None:
    """Draw the test accuracy over seconds of training, and over the bytes that clients sent.

    Parameters
    ----------
    contestants : sequence of Contestant
        A line each.
    title : str
        What stands above: it has to say whether the data are real.
    image : Path
        Where to.
    """
    with picture(10, 4, image) as figure:
        figure.suptitle(title)
        over_seconds, over_bytes = figure.subplots(1, 2)
        for i, each in enumerate(contestants):
            ends = [n for n, record in enumerate(each.rounds, 1) if record.score]
            accuracy = [100 * each.rounds[n - 1].score.accuracy for n in ends]
            spent = [Spent.of(each.rounds[:n]) for n in ends]
            look = {"color": f"C{i}", "linestyle": STYLES[i % len(STYLES)], "label": each.name}
            over_seconds.plot([s.seconds for s in spent], accuracy, **look)
            over_bytes.plot([s.uplink_bytes / MB for s in spent], accuracy, **look)
        over_seconds.set_xlabel("training and averaging (s)")
        over_bytes.set_xlabel("total uplink (MB)")
        for axes in (over_seconds, over_bytes):
            axes.set_ylabel("test accuracy (%)")
            axes.set_xlim(left=0)
            axes.set_ylim(bottom=0)
            axes.grid(alpha=0.3)
        over_seconds.legend(fontsize="small")
