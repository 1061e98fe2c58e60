"""Costs: multiply-adds against a count that looks at every single product, and energy counters."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import nn, ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.fl import Simulation
from minizerofl.fl.measures.costs import EffortMeter, Macs, count_macs, peak_bytes
from minizerofl.sparse.selection import count_kept, top_k


def _mask(x: np.ndarray, sparsity: float) -> np.ndarray:
    mask = np.zeros(x.size, bool)
    mask[top_k(x, count_kept(x.size, sparsity))] = True
    return mask.reshape(x.shape)


def _literal(x: np.ndarray, w: np.ndarray, stride: int, padding: int, sparsity: float) -> tuple[int, int]:
    """Count one by one the products of a convolution with W_top, and those of the kept activations with dY."""
    (IC, KH, KW, OC), (_, H, W, N) = w.shape, x.shape
    OH, OW = (H + 2 * padding - KH) // stride + 1, (W + 2 * padding - KW) // stride + 1
    forward = int(_mask(w, sparsity).sum()) * OH * OW * N
    kept = _mask(x, sparsity)
    weights = 0
    for c, h, v, n in zip(*np.nonzero(kept), strict=True):
        assert c < IC
        assert n < N
        for p in range(KH):
            for q in range(KW):
                # A tap meets a pixel if it does so in some window, also one that would lie beyond the edge.
                weights += OC * ((h + padding - p) % stride == 0 and (v + padding - q) % stride == 0)
    return forward, weights


@given(
    st.sampled_from([(1, 0), (1, 1), (2, 1), (2, 0), (3, 1)]),
    st.integers(1, 3),
    st.integers(5, 7),
    st.sampled_from([0.5, 0.9]),
    st.integers(0, 99),
)
def test_a_sparse_convolution(step: tuple[int, int], kernel: int, size: int, sparsity: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = nn.SparseConv2d(2, 3, kernel, *step, sparsity=sparsity, rng=rng)
    x = Tensor(rng.standard_normal((2, size, size + 1, 2)).astype(np.float32), requires_grad=True)
    forward, weights = _literal(x.data, layer.weight.data, *step, sparsity)
    for path in ("sparse", "dense"):
        y = ops.sparse_conv2d(x, layer.weight, sparsity=sparsity, stride=step[0], padding=step[1], path=path)
        dense = 3 * layer.weight.size * y.size // 3
        assert count_macs(y.sum()) == Macs(2 * forward + weights, dense)


def test_dense_layers_cost_the_same_with_and_without_masks() -> None:
    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((2, 6, 6, 4)).astype(np.float32))
    model = nn.Sequential(nn.Conv2d(2, 3, 3, rng=rng), nn.ReLU(), nn.Flatten(), nn.Linear(48, 5, rng=rng))
    conv, linear = 3 * 2 * 9 * 16 * 4, 48 * 5 * 4
    assert count_macs(model(x).sum()) == Macs(2 * conv + 3 * linear, 2 * conv + 3 * linear)


def test_fewer_non_zeros_than_the_mask_has_room_for_are_counted_as_they_are() -> None:
    layer = nn.SparseLinear(10, 4, sparsity=0.5, rng=np.random.default_rng(0))
    x = np.zeros((10, 2), np.float32)
    x[0, 0] = 1
    for path in ("sparse", "dense"):
        y = ops.sparse_linear(x, layer.weight, layer.bias, sparsity=0.5, path=path)
        assert count_macs(y.sum()) == Macs(20 * 2 + 1 * 4, 2 * 80)


def test_a_round_counts_every_mini_batch(simulate: Callable[..., Simulation]) -> None:
    (round,) = simulate(rounds=1, sparsity=0.5).run()
    for outcome in round.outcomes:
        n, batches = outcome.num_samples, -(-outcome.num_samples // 2)
        sparse = 100 * n + 20 * sum(5 * min(2, n - 2 * i) for i in range(batches))  # W_top, then half of the pixels
        dense = 3 * 60 * n
        assert outcome.macs == Macs(sparse + dense, 2 * 200 * n + dense)
    assert round.macs.kept == sum(outcome.macs.kept for outcome in round.outcomes)


def _counter(folder: Path, name: str, energy: int, limit: int, kind: str = "package-0") -> None:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "name").write_text(f"{kind}\n")
    (folder / name / "energy_uj").write_text(f"{energy}\n")
    (folder / name / "max_energy_range_uj").write_text(f"{limit}\n")


def test_energy_is_read_from_counters_that_may_wrap(tmp_path: Path) -> None:
    _counter(tmp_path, "intel-rapl:0", 5_000_000, 9_999_999)
    _counter(tmp_path, "intel-rapl:1", 8_000_000, 9_999_999)
    _counter(tmp_path, "intel-rapl:0:0", 0, 9_999_999)  # a part of package 0
    meter = EffortMeter(powercap=tmp_path)
    _counter(tmp_path, "intel-rapl:0", 6_500_000, 9_999_999)
    _counter(tmp_path, "intel-rapl:1", 1_000_000, 9_999_999)
    _counter(tmp_path, "intel-rapl:0:0", 7_000_000, 9_999_999)
    effort = meter.read()
    assert (effort.energy_source, effort.joules) == ("rapl", pytest.approx(1.5 + 3.0))


LIMIT = 262_143_328_850  # microjoules, of a processor


@given(
    st.lists(st.tuples(st.integers(0, LIMIT), st.integers(0, LIMIT // 2)), max_size=25),
    st.lists(st.tuples(st.integers(0, LIMIT), st.integers(0, LIMIT // 2)), max_size=2),
)
def test_energy_is_that_of_all_packages_and_of_the_platform_only_if_it_stands_alone(
    packages: list[tuple[int, int]], platforms: list[tuple[int, int]]
) -> None:
    zones = [(f"package-{i}", *zone) for i, zone in enumerate(packages)]
    zones += [("psys" if i == 0 else f"psys-{i}", *zone) for i, zone in enumerate(platforms)]
    with TemporaryDirectory() as name:
        folder = Path(name)

        def write(after: bool) -> None:
            for i, (kind, before, used) in enumerate(zones):
                _counter(folder, f"intel-rapl:{i}", (before + after * used) % (LIMIT + 1), LIMIT, kind)
                _counter(folder, f"intel-rapl:{i}:0", after * used // 2, LIMIT, "core")
                _counter(folder, f"intel-rapl-mmio:{i}", (before + after * used) % (LIMIT + 1), LIMIT, kind)

        write(after=False)
        meter = EffortMeter(powercap=folder)
        write(after=True)
        effort = meter.read()
    assert effort.energy_source == ("rapl" if zones else "estimate")
    if zones:
        assert effort.joules == pytest.approx(sum(used for _, used in packages or platforms) / 1e6)


def test_without_counters_energy_is_an_estimate_that_says_so(tmp_path: Path) -> None:
    meter = EffortMeter(powercap=tmp_path)
    sum(i * i for i in range(200_000))
    effort = meter.read()
    assert effort.energy_source == "estimate"
    assert effort.joules == pytest.approx(10 * effort.cpu_seconds)
    assert effort.cpu_seconds > 0


def test_peak_memory_is_in_bytes() -> None:
    assert 20e6 < peak_bytes() < 1e12


def test_peak_memory_where_the_system_does_not_tell_it_all(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("Name:\tpython\nVmRSS:\t  1024 kB\n")  # as in some sandboxes
    for status in (tmp_path / "status", tmp_path / "nothing"):
        assert 20e6 < peak_bytes(status) < 1e12
