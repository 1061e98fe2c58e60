"""The uplinks against the equations of the paper, written with dense arrays."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import UPLINKS, Aggregator, Kept, Update
from minizerofl.sparse import count_kept

SEEDS = st.integers(0, 2**32 - 1)
SPARSITY = 0.75


def mask(a: np.ndarray, ratio: float) -> np.ndarray:
    """1 at the top k of |a|, 0 elsewhere, by sorting."""
    k = count_kept(a.size, SPARSITY, ratio)
    result = np.zeros(a.size)
    result[np.argsort(-np.abs(a.reshape(-1)), kind="stable")[:k]] = 1
    return result.reshape(a.shape)


# w_t, [w_E], [n_k], r -> w_{t+1} of a sparse layer (paper, section 3.2)
Equation = Callable[[np.ndarray, list[np.ndarray], np.ndarray, float], np.ndarray]
EQUATIONS: dict[str, Equation] = {
    "full": lambda w, ends, p, r: sum(pk * e for pk, e in zip(p, ends, strict=True)),
    "topk-weights": lambda w, ends, p, r: sum(pk * e * mask(e, r) for pk, e in zip(p, ends, strict=True)),
    "diff-topk-weights": lambda w, ends, p, r: (
        w + sum(pk * (e - w) * mask(e, r) for pk, e in zip(p, ends, strict=True))
    ),
    "topk-diff": lambda w, ends, p, r: w + sum(pk * (e - w) * mask(e - w, r) for pk, e in zip(p, ends, strict=True)),
}


def one_round(uplink: str, ratio: float, start: dict, ends: list[dict], counts: list[int]) -> dict:
    rule = UPLINKS[uplink]({"w": SPARSITY}, ratio)
    aggregator = Aggregator(start)
    for n, end in zip(counts, ends, strict=True):
        aggregator.fold(Update("someone", n, rule.select(start, end), 0.0))
    return rule.apply(start, aggregator.average())


def states(seed: int, clients: int) -> tuple[dict, list[dict], list[int]]:
    rng = np.random.default_rng(seed)
    draw = lambda: {"w": rng.standard_normal((6, 7)).astype(np.float32), "b": rng.standard_normal(5).astype(np.float32)}  # noqa: E731
    return draw(), [draw() for _ in range(clients)], [int(n) for n in rng.integers(1, 100, clients)]


@pytest.mark.parametrize("uplink", list(EQUATIONS))
@given(seed=SEEDS, clients=st.integers(1, 4), ratio=st.sampled_from([0.0, 0.1, 0.5]))
def test_a_round_is_the_equation_of_the_paper(uplink: str, seed: int, clients: int, ratio: float) -> None:
    start, ends, counts = states(seed, clients)
    share = np.array(counts) / sum(counts)
    result = one_round(uplink, ratio, start, ends, counts)
    expected = EQUATIONS[uplink](start["w"], [end["w"] for end in ends], share, ratio)
    np.testing.assert_allclose(result["w"], expected, atol=1e-5)
    average = sum(p * end["b"] for p, end in zip(share, ends, strict=True))
    np.testing.assert_allclose(result["b"], average, atol=1e-5)  # every other tensor travels whole
    assert {v.dtype for v in result.values()} == {np.dtype(np.float32)}


@given(seed=SEEDS, uplink=st.sampled_from(["topk-weights", "diff-topk-weights", "topk-diff"]))
def test_a_mask_ratio_equal_to_the_sparsity_sends_everything(seed: int, uplink: str) -> None:
    start, ends, counts = states(seed, 3)
    result = one_round(uplink, SPARSITY, start, ends, counts)
    np.testing.assert_allclose(result["w"], one_round("full", 0, start, ends, counts)["w"], atol=1e-5)


def test_positions_that_nobody_sent_become_zero_or_stay() -> None:
    start = {"w": np.array([[1.0, 2, 3, 4]], np.float32)}
    end = {"w": np.array([[1.0, 2, 3, 5]], np.float32)}
    assert one_round("topk-weights", 0, start, [end], [1])["w"].tolist() == [[0, 0, 0, 5]]
    assert one_round("diff-topk-weights", 0, start, [end], [1])["w"].tolist() == [[1, 2, 3, 5]]


def test_fewer_changes_than_k_are_all_that_is_sent() -> None:
    start = {"w": np.ones((4, 4), np.float32)}
    end = {"w": start["w"].copy()}
    end["w"][1, 2] = 3
    kept = UPLINKS["topk-diff"]({"w": 0.5}).select(start, end)["w"]
    assert isinstance(kept, Kept)
    assert (kept.positions.tolist(), kept.values.tolist(), kept.shape) == ([6], [2.0], (4, 4))
