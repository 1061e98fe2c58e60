"""What `minizerofl trace --round` shows and writes: where a round goes, who is idle, what more workers would do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from statistics import mean, median

from minizerofl_cli.bench.round_forecast import WORKERS, Work, work_of
from minizerofl_cli.bench.round_parts import ORDER, SERVER, WORKER, Total, TracedRound
from minizerofl_cli.bench.round_trace import Traced
from minizerofl_cli.runs.environment import environment
from minizerofl_cli.screen.tables import csv_text, fitting_table, table

HEAD = ("part", "where", "times", "wall ms", "CPU ms", "CPU ms each", "share")
FIRST_TO_GO = ("CPU ms each", "wall ms")
CSV_HEAD = ("part", "where", "times", "wall_seconds", "cpu_seconds")


def typical(totals: Iterable[Total]) -> Total:
    """Return the medians of what rounds took.

    Examples
    --------
    >>> typical([Total(1, 2.0, 1.0), Total(3, 9.0, 2.0), Total(2, 3.0, 8.0)])
    Total(times=2, wall=3.0, cpu=2.0)
    """
    rounds = list(totals)
    return Total(
        int(median(each.times for each in rounds)),
        median(each.wall for each in rounds),
        median(each.cpu for each in rounds),
    )


def parts_of(traced: Traced) -> list[tuple[str, str, Total]]:
    """Return place, name and typical total of each part, in the order in which a round does them."""
    names = dict.fromkeys(name for each in traced.rounds for name in each.parts())
    ordered = [name for name in ORDER if name in names] + [name for name in names if name not in ORDER]
    return [(*name, typical(each.total(*name) for each in traced.rounds)) for name in ordered]


def round_lines(traced: Traced, width: int) -> list[str]:
    """Write the tables, as far as they fit the screen."""
    rounds = traced.rounds
    parts = parts_of(traced)
    work = sum(total.cpu for _, _, total in parts)
    rows = [
        (
            part,
            place,
            f"{total.times:,}",
            f"{1e3 * total.wall:,.1f}",
            f"{1e3 * total.cpu:,.1f}",
            f"{1e3 * total.cpu / total.times:,.2f}" if total.times else "",
            f"{100 * total.cpu / work:.1f} %",
        )
        for place, part, total in parts
    ]
    works = [work_of(each) for each in rounds]
    return [
        f"Where a round goes: medians of {_rounds(len(rounds))}.",
        *fitting_table(HEAD, rows, width, FIRST_TO_GO, "--csv FILE"),
        "",
        "Who was busy:",
        *table(("who", "took", "busy ms", "CPU ms", "idle"), _lanes(traced)),
        "",
        *_shares(rounds, works),
        "",
        *table(("workers", "Amdahl's law", "on paper", "ms a round"), _forecast(works)),
        "How many times as fast as one worker, and the time of a round on paper: there",
        "these clients are simulated from their CPU times, the longest first. It was not",
        "run, and knows nothing of caches and memory.",
    ]


def _lanes(traced: Traced) -> list[tuple[str, ...]]:
    """Return a row for each worker, and one for the server."""
    rows = []
    for i, lane in enumerate(traced.rounds[0].workers, 1):
        total = typical(each.worker(lane) for each in traced.rounds)
        idle = median(each.idle(lane) for each in traced.rounds)
        turns = mean(each.worker(lane).times for each in traced.rounds)
        rows.append((f"worker {i}", f"{turns:.3g} clients", total, f"{100 * idle:.0f} %"))
    server = typical(each.server() for each in traced.rounds)
    waited = median(max(0.0, 1 - each.server().wall / each.seconds) for each in traced.rounds)
    rows.append(("server", f"{server.times} answers", server, f"{100 * waited:.0f} %"))
    return [(who, took, f"{1e3 * t.wall:,.0f}", f"{1e3 * t.cpu:,.0f}", idle) for who, took, t, idle in rows]


def _shares(rounds: list[TracedRound], works: list[Work]) -> list[str]:
    seconds = median(each.seconds for each in rounds)
    none, one = (100 * median(each.share_with(busy) for each in rounds) for busy in (0, 1))
    serial = 100 * median(each.serial_share for each in works)
    worker, server = (1e3 * median(values) for values in zip(*(each.around() for each in rounds), strict=True))
    bare = 100 * median(each.without_evaluation().serial_share for each in works)
    return [
        f"A round took {1e3 * seconds:,.0f} ms. No worker was busy for {none:.1f} % of it, one for {one:.1f} %.",
        f"Only the server can do {serial:.1f} % of the work: Amdahl's fraction. Without the",
        f"evaluation it is {bare:.1f} %.",
        f"Beside its training, a client takes {worker:.1f} ms of CPU time, the server {server:.1f} ms.",
    ]


def _forecast(works: list[Work]) -> list[tuple[str, ...]]:
    return [
        (str(n), f"{amdahl:.2f}", f"{paper:.2f}", f"{1e3 * seconds:,.0f}")
        for n, amdahl, paper, seconds in forecast(works)
    ]


def forecast(works: list[Work]) -> list[tuple[int, float, float, float]]:
    """Return for each number of workers the speed-up by Amdahl's law and on paper, and the seconds of a round."""
    return [
        (
            n,
            median(work.amdahl(n) for work in works),
            median(work.seconds(1) / work.seconds(n) for work in works),
            median(work.seconds(n) for work in works),
        )
        for n in WORKERS
    ]


def typical_round(traced: Traced) -> TracedRound:
    """Return the round whose time is the median, or just above it."""
    return sorted(traced.rounds, key=lambda each: each.seconds)[len(traced.rounds) // 2]


def round_csv(traced: Traced) -> str:
    """Return the table of the parts as CSV, nothing rounded."""
    return csv_text(CSV_HEAD, [(part, place, *asdict(total).values()) for place, part, total in parts_of(traced)])


def write_round_json(path: Path, traced: Traced) -> None:
    """Write everything to a file, nothing rounded."""
    works = [work_of(each) for each in traced.rounds]
    told = {
        "environment": environment(),
        "input": traced.opening,
        "settings": traced.plan.resolved_settings(),
        "model": traced.plan.model,
        "workers": len(traced.rounds[0].workers),
        "parts": [_part(place, part, total) for place, part, total in parts_of(traced)],
        "serial_share": median(each.serial_share for each in works),
        "serial_share_without_evaluation": median(each.without_evaluation().serial_share for each in works),
        "forecast": [
            dict(zip(("workers", "amdahl", "on_paper", "seconds"), row, strict=True)) for row in forecast(works)
        ],
        "rounds": [_round(each, work) for each, work in zip(traced.rounds, works, strict=True)],
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _part(place: str, part: str, total: Total) -> dict[str, object]:
    return {"part": part, "where": place, "times": total.times, "seconds": total.wall, "cpu_seconds": total.cpu}


def _round(traced: TracedRound, work: Work) -> dict[str, object]:
    return {
        "round": traced.record.round,
        "seconds": traced.seconds,
        "share_without_workers": traced.share_with(0),
        "share_with_one_worker": traced.share_with(1),
        "serial_share": work.serial_share,
        "around_a_client_cpu_seconds": dict(zip((WORKER, SERVER), traced.around(), strict=True)),
        "parts": [_part(*name, traced.total(*name)) for name in traced.parts()],
        "workers": [{**_busy(traced.worker(lane)), "idle_share": traced.idle(lane)} for lane in traced.workers],
        "server": _busy(traced.server()),
        "clients": [_client(traced, outcome.client, outcome.num_samples) for outcome in traced.record.outcomes],
    }


def _busy(total: Total) -> dict[str, object]:
    return {"times": total.times, "seconds": total.wall, "cpu_seconds": total.cpu}


def _client(traced: TracedRound, client: str, samples: int) -> dict[str, object]:
    """Return what the turn of a client took; its parts add up to its seconds."""
    turn = next(span for span in traced.spans if (span.part, span.client) == ("turn", client))
    pieces = [each for each in traced.pieces if (each.place, each.client) == (WORKER, client)]
    names = dict.fromkeys(each.part for each in pieces)
    return {
        "client": client,
        "samples": samples,
        "worker": traced.workers.index(turn.lane) + 1,
        "began": turn.began - traced.began,
        "seconds": turn.ended - turn.began,
        "cpu_seconds": turn.cpu,
        "parts": [_part(WORKER, name, Total.of([each for each in pieces if each.part == name])) for name in names],
    }


def _rounds(count: int) -> str:
    return f"{count} rounds" if count > 1 else "1 round"
