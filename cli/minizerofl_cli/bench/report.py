"""What `minizerofl bench` shows: tables for people, one dictionary for JSON, and the curve of the step time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

from minizerofl_cli.bench.curves import Curve, curves_as_json
from minizerofl_cli.bench.products import Product, Search
from minizerofl_cli.bench.ratio import Quartiles, ratio_text
from minizerofl_cli.bench.steps import StepResult, sparse_name
from minizerofl_cli.bench.workload import TOP_K
from minizerofl_cli.runs.environment import environment
from minizerofl_cli.screen.pictures import picture
from minizerofl_cli.screen.tables import fitting_table, table


@dataclass
class Report:
    """All that was measured.

    Attributes
    ----------
    opening : list of str
        Which images, which weights.
    peak_gflops : float
        The machine's peak on one thread.
    products, searches : list
        Layer by layer.
    steps : list of StepResult
        Step by step.
    curves : list of Curve
        The calibration.
    """

    opening: list[str]
    peak_gflops: float = 0.0
    products: list[Product] = field(default_factory=list)
    searches: list[Search] = field(default_factory=list)
    steps: list[StepResult] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Return everything, with each ratio beside the bursts it comes from; an unclear ratio is None."""
        return {
            "environment": environment(),
            "input": self.opening,
            "peak_gflops": self.peak_gflops,
            "products": [asdict(product) for product in self.products],
            "top_k": [asdict(search) for search in self.searches],
            "steps": [{**asdict(result), "ratios": list(_ratios(result))} for result in self.steps],
            "calibration": curves_as_json(self.curves),
        }


def _ratios(result: StepResult) -> Iterator[dict[str, object]]:
    for name, (sparsity, rule) in result.sparse().items():
        for opponent in result.opponents():
            if opponent == rule:
                continue
            quotient = result.against(name, opponent)
            ratio = quotient and asdict(quotient)
            yield {"sparsity": sparsity, "selection": rule, "opponent": opponent, "ratio": ratio}


def product_lines(searches: Sequence[Search], products: Sequence[Product], peak: float, width: int) -> list[str]:
    """Write the table of the products, as far as it fits the screen, then that of the top-k."""
    rows = [
        (
            p.layer if p.selection == TOP_K else f"{p.layer}, {p.selection}",
            f"{p.sparsity:g}",
            p.product,
            f"{1e3 * p.sparse_seconds:.2f}",
            f"{1e3 * p.dense_seconds:.2f}",
            f"{p.dense_seconds / p.sparse_seconds:.2f}x",
            f"{p.sparse_gflops:.1f}",
            f"{100 * p.sparse_gflops / peak:.0f} %",
            f"{p.dense_gflops:.1f}",
        )
        for p in products
    ]
    head = ("layer", "sp", "product", "sparse ms", "dense ms", "ratio", "GFLOP/s", "of peak", "dense GFLOP/s")
    found = [(s.layer, f"{s.sparsity:g}", f"{s.weights_ns:.2f}", f"{s.activations_ns:.2f}") for s in searches]
    return [
        *fitting_table(head, rows, width, ("dense GFLOP/s", "of peak", "GFLOP/s", "dense ms"), "--json FILE"),
        "",
        "Top-k, nanoseconds an element:",
        *table(("layer", "sp", "weights", "activations"), found),
    ]


def step_lines(result: StepResult, width: int) -> list[str]:
    """Write the table of one set of bursts."""
    opponents = result.opponents()
    rows = []
    for name, rates in result.rates.items():
        speed = Quartiles.of(rates)
        _, rule = result.sparse().get(name, (0.0, ""))
        ratios = [
            ratio_text(result.against(name, opponent)) if rule not in ("", opponent) else "" for opponent in opponents
        ]
        one = f"{1e3 / speed.median:.1f}" if result.workers == 1 else ""
        rows.append((name, one, f"{speed.median:.2f}", f"{speed.lower:.2f} to {speed.upper:.2f}", *ratios))
    head = ("", "ms a step", "steps a second", "quartiles", *(f"against {opponent}" for opponent in opponents))
    title = f"{result.model}, batch {result.batch_size}, {result.workers} worker{'s' * (result.workers > 1)}:"
    return [title, *fitting_table(head, rows, width, ("quartiles", "ms a step"), "--json FILE")]


def plot_steps(results: Sequence[StepResult], title: str, image: Path) -> None:
    """Draw how the time of a step grows with the density and with the mini-batch; dense training are the flat lines.

    Parameters
    ----------
    results : sequence of StepResult
        A curve each.
    title : str
        What stands above.
    image : Path
        Where to.
    """
    with picture(7, 4.2, image) as figure:
        axes = figure.subplots()
        for i, result in enumerate(results):
            times = {name: 1e3 * result.workers / Quartiles.of(rates).median for name, rates in result.rates.items()}
            densities = [1 - sparsity for sparsity in result.sparsities]
            label = f"batch {result.batch_size}"
            color = f"C{i}"
            for rule, marker in zip(result.selections, cycle("osv^D"), strict=False):
                those = [times[sparse_name(sparsity, rule)] for sparsity in result.sparsities]
                named = label if rule == TOP_K else f"{label}, {rule}"
                axes.plot(densities, those, f"{marker}-", color=color, label=named)
            dense = [name for name in result.opponents() if name in times]
            for opponent, style in zip(dense, ("--", ":"), strict=False):
                axes.axhline(times[opponent], linestyle=style, color=color, label=f"{label}, {opponent}")
        axes.set_title(title)
        axes.set_xlabel("density of weights and activations, 1 - sp")
        axes.set_ylabel("time of a step (ms)")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
