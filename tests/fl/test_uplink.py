"""A round with each uplink, encoded and decoded, against the equations of the paper, written with dense arrays."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import UPLINKS, Aggregator, Codec, Context, Kept, Schema, Update
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


def one_round(
    uplink: str,
    ratio: float,
    start: dict,
    ends: list[dict],
    counts: list[int],
    codec: str = "csr",
    average: str = "all",
) -> dict:
    rule = UPLINKS[uplink]({"w": SPARSITY}, ratio)
    aggregator = Aggregator(start, rule.differences, average)
    for n, end in zip(counts, ends, strict=True):
        message = Codec(codec).encode(rule.select(start, end), Schema.of(start))
        aggregator.fold(Update("someone", n, message, 0.0))
    return rule.apply(start, aggregator.average())


def states(seed: int, clients: int) -> tuple[dict, list[dict], list[int]]:
    rng = np.random.default_rng(seed)
    draw = lambda: {"w": rng.standard_normal((6, 7)).astype(np.float32), "b": rng.standard_normal(5).astype(np.float32)}  # noqa: E731
    return draw(), [draw() for _ in range(clients)], [int(n) for n in rng.integers(1, 100, clients)]


@pytest.mark.parametrize("codec", ["dense", "csr", "bitmap", "rice"])
@pytest.mark.parametrize("uplink", list(EQUATIONS))
@given(seed=SEEDS, clients=st.integers(1, 4), ratio=st.sampled_from([0.0, 0.1, 0.5]))
def test_a_round_is_the_equation_of_the_paper(uplink: str, codec: str, seed: int, clients: int, ratio: float) -> None:
    start, ends, counts = states(seed, clients)
    share = np.array(counts) / sum(counts)
    result = one_round(uplink, ratio, start, ends, counts, codec)
    expected = EQUATIONS[uplink](start["w"], [end["w"] for end in ends], share, ratio)
    np.testing.assert_allclose(result["w"], expected, atol=1e-5)
    average = sum(p * end["b"] for p, end in zip(share, ends, strict=True))
    np.testing.assert_allclose(result["b"], average, atol=1e-5)  # every other tensor travels whole
    assert {v.dtype for v in result.values()} == {np.dtype(np.float32)}


@given(seed=SEEDS, uplink=st.sampled_from(["topk-weights", "diff-topk-weights", "topk-diff", "random-k"]))
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


@given(seed=SEEDS, uplink=st.sampled_from(["topk-weights", "topk-diff"]), codec=st.sampled_from(["csr", "dense"]))
def test_an_average_over_senders_divides_by_those_who_sent(seed: int, uplink: str, codec: str) -> None:
    start, ends, counts = states(seed, 3)
    result = one_round(uplink, 0, start, ends, counts, codec, average="senders")
    sent = [end["w"] if uplink == "topk-weights" else end["w"] - start["w"] for end in ends]
    weights = np.array([n * mask(value, 0) for n, value in zip(counts, sent, strict=True)])
    total = weights.sum(axis=0)
    mean = (weights * sent).sum(axis=0) / np.where(total > 0, total, 1)
    expected = np.where(total > 0, mean if uplink == "topk-weights" else start["w"] + mean, start["w"])
    np.testing.assert_allclose(result["w"], expected, atol=1e-5)
    np.testing.assert_allclose(result["b"], np.average([end["b"] for end in ends], axis=0, weights=counts), atol=1e-5)


@given(seed=SEEDS, rounds=st.integers(1, 5))
def test_with_error_feedback_everything_is_sent_sooner_or_later(seed: int, rounds: int) -> None:
    uplink, ctx = UPLINKS["topk-diff-feedback"]({"w": SPARSITY}), Context()
    rng = np.random.default_rng(seed)
    sent, changed = np.zeros(42), np.zeros(42)
    for _ in range(rounds):
        start, end = ({"w": rng.standard_normal((6, 7)).astype(np.float32)} for _ in range(2))
        due = changed - sent + (end["w"] - start["w"]).reshape(-1)
        kept = uplink.select(start, end, ctx)["w"]
        assert set(kept.positions) == set(np.flatnonzero(mask(due.astype(np.float32), 0)))
        sent[kept.positions] += kept.values
        changed += (end["w"] - start["w"]).reshape(-1)
    np.testing.assert_allclose(sent + ctx.memory["w"].reshape(-1), changed, atol=1e-5)


def test_random_positions_depend_on_client_round_and_layer_only() -> None:
    start, end = ({name: np.full((20, 30), value, np.float32) for name in "ab"} for value in (1, 3))
    uplink = UPLINKS["random-k"]({"a": 0.9, "b": 0.9}, 0.1)

    def positions(client: str, round: int) -> list[list[int]]:
        payload = uplink.select(start, end, Context(round, client, seed=5))
        assert set(payload["a"].values) == {2.0}
        return [payload[name].positions.tolist() for name in "ab"]

    drawn = positions("one", 1)
    assert drawn == positions("one", 1)
    assert all(len(p) == 120 and p == sorted(set(p)) for p in drawn)
    different = [*drawn, *positions("one", 2), *positions("two", 1)]
    assert len({tuple(p) for p in different}) == 6
