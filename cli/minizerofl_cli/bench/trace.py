"""What `minizerofl trace` does: a few steps, the last of them profiled, and the profile as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from minizerofl.fl.data import batch_last
from minizerofl.optim import SGD
from minizerofl_cli.bench.profile import Row, profile_step
from minizerofl_cli.bench.workload import LR, TOP_K, Workload, batches
from minizerofl_cli.runs.environment import environment
from minizerofl_cli.screen.tables import csv_text, fitting_table

WARM_UP = 2  # steps before the one that is profiled

HEAD = (
    "layer", "kind", "output", "W", "x", "forward M", "dX M", "dW M", "dense M", "kept KB", "forward ms", "backward ms",
)  # fmt: skip


def trace_step(work: Workload, sparsity: float | None, batch_size: int, selection: str | None = TOP_K) -> list[Row]:
    """Profile one training step, see `Workload.step`; every mini-batch before it warms up."""
    with threadpool_limits(limits=1, user_api="blas"):
        model = work.step(sparsity, batch_size, selection).model
        optimiser = SGD(model.parameters(), LR)
        for x, y in batches(work.samples, batch_size)[: WARM_UP + 1]:
            rows = profile_step(model, optimiser, batch_last(x), y)
    return rows


# What a narrow screen does without, the least important first.
FIRST_TO_GO = ("kind", "dense M", "kept KB", "output", "x", "W")
CSV_HEAD = (
    *("layer", "kind", "output_shape", "weight_density", "activation_density", "forward_macs", "dx_macs", "dw_macs"),
    *("dense_macs", "kept_bytes", "forward_seconds", "backward_seconds"),
)


def trace_lines(rows: Sequence[Row], width: int) -> list[str]:
    """Write the table, as far as it fits the screen, its totals and what the columns mean.

    Examples
    --------
    >>> from minizerofl.autograd.op import Products
    >>> row = Row("fc", "Linear", (6, 4), Products(200000, 200000, 200000, dense=2000000), 0.1, 0.1)
    >>> trace_lines([row], 80)[-3]
    'MACs: 0.6 of 6.0 million, 10.0 % of the dense step; KB = 1,000 bytes'
    """
    done = sum(sum(row.macs.done) for row in rows if row.macs)
    dense = sum(row.macs.dense * sum(d > 0 for d in row.macs.done) for row in rows if row.macs)
    total = (
        "total", "", "", "", "",
        *(_millions(sum(row.macs.done[i] for row in rows if row.macs)) for i in range(3)),
        _millions(sum(row.macs.dense for row in rows if row.macs)),
        f"{sum(row.kept_bytes for row in rows) / 1e3:,.0f}",
        f"{1e3 * sum(row.forward_seconds for row in rows):.2f}",
        f"{1e3 * sum(row.backward_seconds for row in rows):.2f}",
    )  # fmt: skip
    share = 100 * done / dense if dense else 100.0
    return [
        *fitting_table(HEAD, [*map(_cells, rows), total], width, FIRST_TO_GO, "--csv FILE"),
        "",
        f"MACs: {_millions(done)} of {_millions(dense)} million, {share:.1f} % of the dense step; KB = 1,000 bytes",
        "W and x: share of weights and input that takes part. forward M, dX M, dW M:",
        "million MACs done; dense M: those of one of the three, if the layer were dense.",
    ]


def trace_csv(rows: Sequence[Row]) -> str:
    """Return the table as CSV, nothing rounded."""

    def line(row: Row) -> list[object]:
        macs = (*row.macs.done, row.macs.dense) if row.macs else ("",) * 4
        shares = ["" if share is None else share for share in (row.weight_density, row.activation_density)]
        times = (row.kept_bytes, row.forward_seconds, row.backward_seconds)
        return [row.name, row.kind, "x".join(map(str, row.shape)), *shares, *macs, *times]

    return csv_text(CSV_HEAD, [line(row) for row in rows])


def write_json(
    path: Path, opening: list[str], sparsity: float, selection: str, batch_size: int, rows: Sequence[Row]
) -> None:
    """Write the profile to a file, nothing rounded."""
    layers = [
        {
            "layer": row.name,
            "kind": row.kind,
            "output_shape": row.shape,
            "weight_density": row.weight_density,
            "activation_density": row.activation_density,
            "macs_done": dict(zip(("forward", "dX", "dW"), row.macs.done, strict=True)) if row.macs else None,
            "macs_dense": row.macs.dense if row.macs else None,
            "kept_bytes": row.kept_bytes,
            "forward_seconds": row.forward_seconds,
            "backward_seconds": row.backward_seconds,
        }
        for row in rows
    ]
    asked = {"sparsity": sparsity, "selection": selection, "batch_size": batch_size}
    head = {"environment": environment(), "input": opening, **asked}
    path.write_text(json.dumps({**head, "rows": layers}, indent=1) + "\n", encoding="utf-8")


def _cells(row: Row) -> tuple[str, ...]:
    counts = (*row.macs.done, row.macs.dense) if row.macs else ()
    return (
        row.name,
        row.kind,
        "x".join(map(str, row.shape)),
        _share(row.weight_density),
        _share(row.activation_density),
        *(map(_millions, counts) if counts else ("",) * 4),
        f"{row.kept_bytes / 1e3:,.0f}",
        f"{1e3 * row.forward_seconds:.2f}" if row.name != "(optimiser)" else "",
        f"{1e3 * row.backward_seconds:.2f}",
    )


def _share(density: float | None) -> str:
    return "" if density is None else f"{density:.3f}"


def _millions(number: int) -> str:
    return f"{number / 1e6:,.1f}"
