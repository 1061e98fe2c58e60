"""Calibration: where two curves cross, and the command that measures them."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, nn
from minizerofl.sparse.breakeven import choose
from minizerofl_cli.bench import curves
from minizerofl_cli.bench.curves import Curve, measure_curves
from minizerofl_cli.bench.hooks import calls
from minizerofl_cli.runs.calibration import read_calibration

DENSITIES = [0.1, 0.2, 0.5, 1.0]


def curve(sparse: list[float], dense: list[float], kind: str = "linear 3x3 batch 1") -> Curve:
    return Curve(kind, DENSITIES, sparse, dense)


@given(st.floats(0.15, 0.95))
def test_a_straight_line_crosses_where_it_is_calculated(crossing: float) -> None:
    sparse = [density / crossing for density in DENSITIES]
    assert curve(sparse, [1.0] * 4).break_even == pytest.approx(crossing)


def test_a_path_that_never_or_always_wins() -> None:
    assert curve([1, 1, 1, 1], [2, 2, 2, 2]).break_even == 1
    assert curve([2, 2, 2, 2], [1, 1, 1, 1]).break_even == 0


@pytest.mark.long
def test_measured_layers_are_chosen_by_their_kind(monkeypatch) -> None:
    monkeypatch.setattr(curves, "DENSITIES", (0.1, 1.0))
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.SparseConv2d(2, 3, 3, sparsity=0.5), nn.Flatten(), nn.SparseLinear(3 * 16, 4, sparsity=0.5)
    )
    said: list[str] = []
    seen = calls(model, Tensor(rng.random((2, 6, 6, 5), np.float32)))
    measured = measure_curves(seen, 0, said.append)
    assert [c.kind for c in measured] == ["conv 2x3x3x3 stride 1 batch 5", "linear 48x4 batch 5"]
    assert len(said) == 2
    for each in measured:
        assert 1 <= len(each.sparse_seconds) == len(each.dense_seconds) == len(each.densities) <= 2
        assert min(each.sparse_seconds + each.dense_seconds) > 0
        assert choose(each.kind, 0.0, {each.kind: each.break_even}) == "sparse"


@pytest.mark.long
def test_the_command(invoke, paper_run, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(curves, "DENSITIES", (0.1, 1.0))
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path))
    image, file = tmp_path / "breakeven.png", tmp_path / "out.json"
    options = ["--batch-size", 2, "--weights", paper_run.path, "--plot", image, "--json", file]
    result = invoke("bench", "--calibrate", *options)
    assert result.exit_code == 0, result.output
    assert len(read_calibration()) == len(json.loads(file.read_text())["calibration"]) == 3
    assert image.read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "breakeven.json") in result.output
