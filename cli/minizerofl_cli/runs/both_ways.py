"""What `minizerofl sizes --both-ways` says: the ladder of codings, one message up and one down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minizerofl.choices import UPLINKS
from minizerofl.fl import ConfigError, load_model
from minizerofl.fl.measures.ladder import Rung, ladder
from minizerofl.fl.measures.sizes import CLASSES, PAPER_MB, PAPER_SIZES
from minizerofl.fl.payload import Payload
from minizerofl.models import build
from minizerofl.nn import sparse_weights
from minizerofl_cli.runs.continuation import read_tables
from minizerofl_cli.screen.tables import csv_text, table, write_csv

UNIT = 'Sizes in the paper\'s "MB" of 1,024,000 bytes'
COLUMNS = ("up_bytes", "down_bytes", "computed_up_bytes", "computed_down_bytes")
Rows = list[tuple[str | float, ...]]


def model_lines(model: str, csv_file: Path | None = None) -> Iterator[str]:
    """Yield the ladder of one of the paper's models with its initial weights, for every row of the paper's tables.

    Parameters
    ----------
    model : str
        One of `PAPER_MODELS`.
    csv_file : Path, optional
        Where all sizes are written, in bytes.
    """
    columns: list[tuple[str, list[Rung]]] = []
    whole: Rows = []
    for sparsity, ratio in PAPER_SIZES[model]:
        network = build(model, sparsity=sparsity, seed=0, num_classes=CLASSES[model])
        state, sparse = network.state_dict(), sparse_weights(network)
        payload: Payload = UPLINKS["topk-weights"](sparse, ratio).select(state, state) if sparsity else state
        rungs = list(ladder(payload, state, sparse))
        columns.append((f"{sparsity:g} {ratio:g}" if sparsity else "dense", rungs))
        whole += [(sparsity, ratio, rung.name, *_bytes(rung)) for rung in rungs]
    head = ["sp r", *(name for name, _ in columns)]
    names = [rung.name for rung in columns[0][1]]
    dense = columns[0][1][0]
    yield f"{model}, initial weights, topk-weights at sp and r: a client's message"
    yield from table(head, [[name, *(_mb(rungs[i].up) for _, rungs in columns)] for i, name in enumerate(names)])
    yield "both ways: with the server's message, which is dense in the first round"
    both = [[name, *(_mb(rungs[i].up + rungs[i].down) for _, rungs in columns)] for i, name in enumerate(names)]
    yield from table(head, both)
    yield "both ways: how many times less than dense float32"
    less = [
        [name, *(_times(dense.up + dense.down, rungs[i].up + rungs[i].down) for _, rungs in columns)]
        for i, name in enumerate(names)
    ]
    yield from table(head, less)
    yield f"{UNIT}, as encoded."
    if csv_file:
        write_csv(csv_file, csv_text(("sp", "r", "coding", *COLUMNS), whole))


def run_lines(run: Path, csv_file: Path | None = None) -> Iterator[str]:
    """Yield the ladder of a trained run: what its uplink selects from its model, and its model.

    Parameters
    ----------
    run : Path
        The run directory.
    csv_file : Path, optional
        Where all sizes are written, in bytes.

    Raises
    ------
    ConfigError
        It is not a run directory.
    ChoiceError
        Its uplink cannot be used.
    ModelFileError
        It has no model.
    """
    if not run.is_dir():
        raise ConfigError(f"--weights is {run}, expected a run directory; minizerofl runs lists the runs")
    settings: Mapping[str, Any] = read_tables(run)["settings"]
    saved = load_model(run / "model.h5")
    network, state = saved.build(), saved.state
    sparse = sparse_weights(network)
    UPLINKS.check(str(settings["uplink"]))
    name, ratio = str(settings["uplink"]), float(settings["mask_ratio"])
    sparsity = settings.get("uplink_sparsity", settings["sparsity"])
    start = {key: np.zeros_like(value) for key, value in state.items()}  # a run keeps weights, not changes
    uplink = UPLINKS[name](dict.fromkeys(sparse, float(sparsity)), ratio, saved.setup.rule())
    payload = uplink.select(start, state)
    nonzero = sum(int(np.count_nonzero(state[each])) for each in sparse)
    density = nonzero / max(1, sum(state[each].size for each in sparse))
    rungs = list(ladder(payload, state, sparse))
    entries = 4 * sum(value.size for value in state.values())
    yield f"{saved.name} of {run}: {name}, sp {sparsity:g}, r {ratio:g}"
    if sparse:
        yield f"{100 * density:.1f} % of the sparse layers' weights are not zero."
    rows = [
        [
            rung.name,
            *(_mb(each) for each in (rung.up, rung.computed_up, rung.down, rung.computed_down, rung.up + rung.down)),
            _times(2 * entries, rung.up + rung.down),
        ]
        for rung in rungs
    ]
    yield from table(["", "up", "computed", "down", "computed", "both", "less"], rows)
    yield f"{UNIT}."
    yield "computed: without headers and scales; less: than dense float32 both ways."
    if csv_file:
        write_csv(csv_file, csv_text(("coding", *COLUMNS), [(rung.name, *_bytes(rung)) for rung in rungs]))


def _bytes(rung: Rung) -> tuple[int, ...]:
    return rung.up, rung.down, rung.computed_up, rung.computed_down


def _mb(size: float) -> str:
    return f"{size / PAPER_MB:.2f}"


def _times(dense: float, size: float) -> str:
    return f"{dense / size:.2f}x"
