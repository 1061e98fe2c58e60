"""One run of `minizerofl bench`, from its options to its tables and files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from threadpoolctl import threadpool_limits

from minizerofl.autograd.tensor import Tensor
from minizerofl.fl import ConfigError
from minizerofl.fl.data import batch_last
from minizerofl_cli.bench.clock import clock
from minizerofl_cli.bench.curves import measure_curves, plot_curves
from minizerofl_cli.bench.hooks import calls
from minizerofl_cli.bench.peer import require_peer, require_torch
from minizerofl_cli.bench.products import measure_layers, peak_gflops
from minizerofl_cli.bench.report import Report, plot_steps, product_lines, step_lines
from minizerofl_cli.bench.steps import measure_steps
from minizerofl_cli.bench.workload import BATCH_SIZES, Workload, batches, prepare
from minizerofl_cli.runs.calibration import write_calibration
from minizerofl_cli.screen.tables import screen_width

PRODUCT_SECONDS = 0.1  # for about how long one product is repeated
CURVE_SECONDS = 0.03  # the same, at each density of a calibration


@dataclass(frozen=True)
class Bench:
    """What `minizerofl bench` was asked to do; the attributes are its options."""

    model: str | None
    batch_sizes: tuple[int, ...]
    sparsities: tuple[float, ...]
    selections: tuple[str, ...]
    workers: int
    torch: bool
    only: str
    weights: Path | None
    data_dir: Path | None
    calibrate: bool
    bursts: int
    seconds: float
    cpu_time: bool
    json_file: Path | None
    plot: Path | None


def conduct(asked: Bench, say: Callable[[str], None]) -> Report:
    """Measure, show and write down.

    Parameters
    ----------
    asked : Bench
        What.
    say : callable
        Shows a line.

    Raises
    ------
    ConfigError
        PyTorch is wanted and not installed or has no twin of the model, or the options contradict each other.
    OSError
        A file cannot be written.
    """
    if asked.cpu_time and asked.workers > 1:
        raise ConfigError(f"--clock cpu needs --workers 1, not {asked.workers}: it times a single thread")
    version = require_torch() if asked.torch else None
    work = prepare(
        asked.model, asked.weights, asked.data_dir, max(asked.batch_sizes, default=max(BATCH_SIZES.values()))
    )
    if asked.torch:
        require_peer(work.name)
    threadpool_limits(limits=1, user_api="blas")  # a worker is one thread, and so is its linear algebra
    sizes = asked.batch_sizes or (BATCH_SIZES.get(work.name, 32),)
    report = Report([*work.opening, *([f"PyTorch {version}, dense"] if version else [])], peak_gflops())
    for line in (*report.opening, f"peak of one thread: {report.peak_gflops:.0f} GFLOP/s (float32 matrix product)"):
        say(line)
    if asked.calibrate:
        _calibrate(asked, work, sizes, report, say)
    elif asked.only != "steps":
        for size in sizes:
            _measure_layers(asked, work, size, report, say)
    if asked.only != "layers" and not asked.calibrate:
        if asked.cpu_time:
            report.opening.append("steps are timed by their thread's own clock (--clock cpu)")
            say(report.opening[-1])
        for size in sizes:
            say("")
            say(f"Bursts of {asked.seconds:g} s in turns, {work.name}, batch {size}:")
            result = measure_steps(
                work,
                size,
                asked.sparsities,
                asked.workers,
                asked.bursts,
                asked.seconds,
                asked.torch,
                clock if asked.cpu_time else perf_counter,
                say,
                asked.selections,
            )
            report.steps.append(result)
            for line in ("", *step_lines(result, screen_width())):
                say(line)
    if asked.json_file:
        asked.json_file.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    if asked.plot and report.steps:
        plot_steps(report.steps, f"{work.name}, {asked.workers} at once", asked.plot)
    if asked.plot and report.curves:
        plot_curves(report.curves, f"{work.name}: sparse against dense path, one thread", asked.plot)
    return report


def _calibrate(asked: Bench, work: Workload, sizes: Sequence[int], report: Report, say: Callable[[str], None]) -> None:
    say("")
    say("Break-even, layer by layer, one thread:")
    for size in sizes:
        x, _ = batches(work.samples, size)[0]
        seen = calls(work.step(asked.sparsities[0], size).model, Tensor(batch_last(x)))
        report.curves += measure_curves(seen, CURVE_SECONDS, say)
    say(f"Written to {write_calibration({curve.kind: curve.break_even for curve in report.curves})}")


def _measure_layers(asked: Bench, work: Workload, size: int, report: Report, say: Callable[[str], None]) -> None:
    say("")
    say(f"Layer by layer, {work.name}, batch {size}, one thread:")
    x, _ = batches(work.samples, size)[0]
    searches, products = [], []
    for sparsity in asked.sparsities:
        seen = calls(work.step(sparsity, size).model, Tensor(batch_last(x)))
        for rule in asked.selections:
            for search, timed in measure_layers(seen, sparsity, PRODUCT_SECONDS, rule):
                products += timed
                if rule == asked.selections[0]:
                    searches.append(search)
    for line in product_lines(searches, products, report.peak_gflops, screen_width()):
        say(line)
    report.searches += searches
    report.products += products
