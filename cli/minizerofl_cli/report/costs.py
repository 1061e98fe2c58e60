"""A report's section on costs: bytes, multiply-adds, time, energy and memory."""

from __future__ import annotations

import math

from minizerofl.fl.measures.costs import WATTS_PER_CORE
from minizerofl_cli.report.bars import Bar, bar_chart
from minizerofl_cli.report.lines import Series, line_chart
from minizerofl_cli.report.page import facts, section
from minizerofl_cli.report.rundata import RunData, points
from minizerofl_cli.report.units import BYTES, COUNTS, SECONDS, amount, times_less, unit_for

PHASES = {
    "training": "train_seconds",
    "averaging": "aggregate_seconds",
    "evaluation": "eval_seconds",
}
CODING = ("uplink encode", "uplink decode", "downlink encode", "downlink decode")
PARTS = (
    ("positions", "positions"),
    ("values", "values at positions"),
    ("whole", "whole tensors"),
    ("headers", "headers"),
)
ENERGY = {
    "rapl": "measured by the processors' counters (RAPL), with everything that ran on them",
    "estimate": f"an estimate: {WATTS_PER_CORE:g} W for each second of processor time, whatever the processor; "
    "it compares runs on one machine and nothing else",
}


def costs_section(run: RunData) -> str:
    """Return what the run sent, computed, and used."""
    return section("Costs", _bytes(run), _parts(run), _macs(run), _phases(run), _seconds_by_round(run), _facts(run))


def _bytes(run: RunData) -> str:
    names = "uplink", "dense_uplink", "downlink", "dense_downlink"
    up, dense, down, dense_down = (run.history.total(f"{name}_bytes") for name in names)
    if math.isnan(up):
        return ""
    if math.isnan(dense_down):  # an earlier version, which sent dense models
        dense_down = down
    size, unit = unit_for(max(v for v in (up, dense, down, dense_down) if math.isfinite(v)), BYTES)
    bars = [
        Bar("uplink, as encoded", up / size, said=times_less(dense, up)),
        Bar("uplink of dense models", dense / size),
        Bar("downlink, as encoded", down / size, said=times_less(dense_down, down)),
        Bar("downlink of dense models", dense_down / size),
        Bar("both ways", (up + down) / size, said=times_less(dense + dense_down, up + down)),
    ]
    return bar_chart(
        "Bytes of all rounds", bars, unit, note="Only the dense equivalents are computed, at 4 bytes an entry."
    )


def _parts(run: RunData) -> str:
    """Return what the bytes of each direction were for."""
    totals = {
        f"{way}, {said}": run.history.total(f"{way}_{part}_bytes")
        for way in ("uplink", "downlink")
        for part, said in PARTS
    }
    known = [v for v in totals.values() if math.isfinite(v)]
    if not known or not sum(known):
        return ""
    size, unit = unit_for(max(known), BYTES)
    bars = [
        Bar(name, value / size, said=f"{100 * value / sum(known):.1f} %") for name, value in totals.items() if value
    ]
    return bar_chart("What the bytes were for", bars, unit, note="Of all messages that could be used.")


def _macs(run: RunData) -> str:
    kept, dense = run.history.total("macs"), run.history.total("dense_macs")
    if math.isnan(kept):
        return ""
    size, unit = unit_for(max(v for v in (kept, dense) if math.isfinite(v)), COUNTS)
    bars = [
        Bar("with its masks", kept / size, said=times_less(dense, kept, "fewer")),
        Bar("the same layers, dense", dense / size),
    ]
    label = f"{unit} multiply-adds".strip()
    return bar_chart("Multiply-adds of local training", bars, label, note="Counted from the masks that training used.")


def _phases(run: RunData) -> str:
    totals = {name: run.history.total(column) for name, column in PHASES.items()}
    known = [v for v in totals.values() if math.isfinite(v)]
    if not known:
        return ""
    size, unit = unit_for(sum(known), SECONDS)
    bars = [
        Bar(name, value / size, said=f"{100 * value / sum(known):.0f} %" if sum(known) else "")
        for name, value in totals.items()
    ]
    return bar_chart("Where the time went", bars, unit, note="Wall time of all rounds; averaging includes decoding.")


def _seconds_by_round(run: RunData) -> str:
    rounds = run.history.numbers("round")
    series = [Series(name, *points(rounds, run.history.numbers(column))) for name, column in PHASES.items()]
    shown = [s for s in series if s.y]
    if not shown:
        return ""
    return line_chart("Seconds by round", shown, "round", "seconds", include=(0,), whole_x=True, rest="history.csv")


def _facts(run: RunData) -> str:
    pairs = []
    joules = run.history.total("energy_joules")
    if math.isfinite(joules):
        sources = sorted({source for source in run.history.texts("energy_source") if source})
        said = "; ".join(ENERGY.get(source, source) for source in sources)
        pairs.append(("energy", f"{joules / 3600:,.3g} Wh ({said})"))
    seconds = {name: run.history.total(f"{name.replace(' ', '_')}_seconds") for name in CODING}
    if all(map(math.isfinite, seconds.values())):
        pairs.append(("messages", ", ".join(f"{name} {amount(v, SECONDS)}" for name, v in seconds.items())))
    processor = run.history.total("cpu_seconds")
    if math.isfinite(processor):
        pairs.append(("processor time", amount(processor, SECONDS)))
    memory = run.history.last("peak_memory_bytes")
    if math.isfinite(memory):
        pairs.append(("peak memory of all processes", amount(memory, BYTES)))
    return facts(pairs) if pairs else ""
