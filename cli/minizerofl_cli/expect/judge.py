"""Whether the accuracy of a run is what it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from minizerofl_cli.expect.expected import Expected, decides
from minizerofl_cli.runs.reading import RunFiles
from minizerofl_cli.screen.progress import duration

SHOWN = 4  # differences that are named
MISSING = "missing"


def judge(run: RunFiles, known: Sequence[Expected]) -> Iterator[str]:
    """Yield lines that say whether a run is inside or outside what is expected of it, or why nobody can tell.

    Parameters
    ----------
    run : RunFiles
        The run.
    known : sequence of Expected
        What is expected of the commands of the documentation.
    """
    config = decides(run.config)
    nearest = min(known, key=lambda each: len(differences(each.config, config)))
    other = differences(nearest.config, config)
    if other:
        more = f" and {len(other) - SHOWN} more" if len(other) > SHOWN else ""
        yield "not comparable: no command of the documentation has these settings."
        yield f"The nearest is: {nearest.command}"
        yield f"It differs in: {'; '.join(other[:SHOWN])}{more}."
        return
    yield f"This is the command: {nearest.command}"
    if nearest.fingerprint and run.config["data"].get("fingerprint") != nearest.fingerprint:
        yield "not comparable: the real data are other samples than those of the expected figures."
        return
    if run.history.rounds < run.planned_rounds or not run.history.evaluated[-1]:
        yield f"not comparable: {run.history.rounds} of {run.planned_rounds} rounds are done."
        return
    accuracy = float(run.history.numbers("test_accuracy")[-1])
    low, high = nearest.range
    verdict = "inside" if low <= accuracy <= high else "outside"
    yield (
        f"{verdict}: the test accuracy is {100 * accuracy:.1f} %, expected {100 * low:.1f} to {100 * high:.1f} % "
        f"({len(nearest.seeds)} seeds reached {100 * min(nearest.accuracies):.1f} to "
        f"{100 * max(nearest.accuracies):.1f} %)."
    )
    seed = run.config["settings"]["seed"]
    if seed in nearest.seeds:
        same = nearest.accuracies[list(nearest.seeds).index(seed)]
        yield f"With seed {seed} it was {100 * same:.1f} %; another processor or other packages change the last digits."
    seconds = float(run.history.numbers("cum_seconds")[-1])
    yield (
        f"It took {duration(seconds)}; {duration(nearest.seconds)} on the machine of the expected figures "
        f"({nearest.machine}; tree {nearest.tree})."
    )
    if verdict == "outside":
        yield (
            "Of 20 runs as they should be, about one lies outside. Try another --seed first; then look at the versions "
            "in environment.json, and at what you changed."
        )


def listing(known: Sequence[Expected]) -> Iterator[str]:
    """Yield the commands of the documentation, and what is expected of each."""
    for each in known:
        low, high = each.range
        yield each.command
        yield (
            f"    {100 * low:.1f} to {100 * high:.1f} % ({len(each.seeds)} seeds), {duration(each.seconds)} on "
            f"{each.machine}; tree {each.tree}"
        )


def differences(expected: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say in which keys two configs differ.

    Examples
    --------
    >>> differences({"settings": {"rounds": 30}}, {"settings": {"rounds": 10, "momentum": 0.9}})
    ['settings.momentum is 0.9 instead of missing', 'settings.rounds is 10 instead of 30']
    """
    told = []
    for table in sorted({*expected, *found}):
        wanted, had = expected.get(table, {}), found.get(table, {})
        changed = [key for key in sorted({*wanted, *had}) if wanted.get(key, MISSING) != had.get(key, MISSING)]
        told += [f"{table}.{key} is {had.get(key, MISSING)} instead of {wanted.get(key, MISSING)}" for key in changed]
    return told
