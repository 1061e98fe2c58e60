"""The top-k kernels against the reference kernels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minizerofl.kernels import topk
from minizerofl.kernels.reference import topk as reference
from minizerofl.sparse.selection import TOPS

SMALLEST = float(np.nextafter(np.float32(0), np.float32(1)))
# Few different values, so that ties are the rule, and everything that is special among floats.
VALUES = st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.0, -2.0, np.inf, np.nan, SMALLEST])
ARRAYS = st.one_of(
    hnp.arrays(np.float32, st.integers(1, 40), elements=VALUES),
    st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).standard_normal(1000).astype(np.float32)),
)


def above(number: float) -> np.float32:
    return np.nextafter(np.float32(number), np.float32(np.inf))


@given(ARRAYS, st.sampled_from([0.5, 1.0, SMALLEST]), st.integers(1, 1100))
def test_collect_at_least_equals_its_reference(x: np.ndarray, cut: float, room: int) -> None:
    results = []
    for module in (topk, reference):
        positions, values = np.zeros(room, np.int32), np.zeros(room, np.float32)
        n = module.collect_at_least(x, np.float32(cut), positions, values)
        results.append((n, positions[: max(n, 0)], values[: max(n, 0)]))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_collecting_stops_where_the_room_ends() -> None:
    x = np.ones(200, np.float32)
    for room, expected in ((199, -1), (200, 200), (70, -1), (264, 200)):
        got = topk.collect_at_least(x, np.float32(1), np.empty(room, np.int32), np.empty(room, np.float32))
        assert got == expected


def test_find_tie_among_many() -> None:
    x = np.where(np.arange(1000) % 3 == 0, np.float32(-2), np.float32(5))
    for k in (1, 21, 22, 23, 300, 334):
        assert topk.find_tie(x, np.float32(2), above(2), k) == 3 * (k - 1)


def test_a_rank_above_all_is_estimated_as_infinity() -> None:
    bits = np.ones(1000, np.float32).view(np.int32)
    for module in (topk, reference):
        assert module.estimate(bits, TOPS[4], 1, 1, -4) == TOPS[4][0]


@given(ARRAYS, st.sampled_from([0.5, 1.0, 2.0]), st.data())
def test_find_tie_equals_its_reference(x: np.ndarray, magnitude: float, data: st.DataObject) -> None:
    x = np.append(x, np.float32(-magnitude))
    k = data.draw(st.integers(1, int(np.count_nonzero(np.abs(x) == np.float32(magnitude)))))
    arguments = x, np.float32(magnitude), above(magnitude), k
    assert topk.find_tie(*arguments) == reference.find_tie(*arguments)


@given(ARRAYS, st.sampled_from([0.5, 1.0, SMALLEST]))
def test_count_at_least_equals_its_reference(x: np.ndarray, cut: float) -> None:
    assert topk.count_at_least(x, np.float32(cut)) == reference.count_at_least(x, np.float32(cut))


@given(ARRAYS, st.sampled_from([np.float32, np.float64]), st.integers(1, 7), st.integers(-4, 4), st.data())
def test_estimate_equals_its_reference(
    x: np.ndarray, dtype: type, stride: int, errors: int, data: st.DataObject
) -> None:
    x = x.astype(dtype)
    top, bits = TOPS[x.itemsize], x.view(f"i{x.itemsize}")
    k = data.draw(st.integers(1, x.size))
    assert topk.estimate(bits, top, k, stride, errors) == reference.estimate(bits, top, k, stride, errors)


MATRICES = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=70), elements=VALUES)


@given(MATRICES, st.sampled_from([0.5, 1.0]), st.integers(0, 2**32 - 1), st.integers(0, 5000))
def test_collect_rows_equals_its_reference(w: np.ndarray, cut: float, seed: int, room: int) -> None:
    results: tuple[list, list] = ([], [])
    for module, seen in zip((topk, reference), results, strict=True):
        random = np.random.default_rng(seed)
        slots = np.zeros((3, len(w)), np.int32)
        indices, values = (np.zeros(room + topk.SLACK, dtype) for dtype in (np.int32, np.float32))
        changed, now = np.arange(len(w), dtype=np.int32), np.where(np.arange(w.shape[1]) % 8, np.float32(0), w)
        for _ in range(4):
            n = module.collect_rows(now, np.float32(cut), changed, slots, indices, values)
            if n < 0:
                break
            rows = [slice(*slot) for slot in slots[:2].T]
            seen.append((n, *[part[row].copy() for part in (indices, values) for row in rows]))
            expected = [np.flatnonzero(np.abs(row) >= cut) for row in now]
            for row, columns in zip(rows, expected, strict=True):
                np.testing.assert_array_equal(indices[row], columns)
            in_rows = np.concatenate([np.arange(row.start, row.stop) for row in rows])
            assert not np.delete(values, in_rows).any()
            assert n == in_rows.size
            changed = np.flatnonzero(random.random(len(w)) < 0.5).astype(np.int32)
            now = now.copy()
            now[changed] = random.choice(now.reshape(-1), (changed.size, now.shape[1]))
        seen.append(n)
    np.testing.assert_equal(*results)


@given(MATRICES, st.sampled_from([np.float32, np.float64]), st.integers(1, 5000), st.data())
def test_keep_rows_equals_its_reference(w: np.ndarray, dtype: type, sample: int, data: st.DataObject) -> None:
    """A sample of a few values often misleads; the result must be exact all the same."""
    w = np.nan_to_num(w, nan=0.25, posinf=np.inf).astype(dtype)
    order = data.draw(st.permutations(range(len(w))))  # rows need not lie in order
    starts = np.array(order, np.int32) * w.shape[1]
    slots = np.stack([starts, starts + np.int32(w.shape[1])])
    indices, values = np.arange(w.size + topk.SLACK, dtype=np.int32), np.append(w, np.full(topk.SLACK, np.nan, dtype))
    k = data.draw(st.integers(1, w.size))
    results = []
    for module in (topk, reference):
        kept = tuple(np.zeros(n, t) for n, t in ((len(w) + 1, "i4"), *((k + topk.SLACK, t) for t in ("i4", dtype))))
        module.keep_rows(slots, indices, values, values.view(f"i{w.itemsize}"), TOPS[w.itemsize], k, sample, kept)
        results.append((kept[0], kept[1][:k], kept[2][:k]))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 150, 650, 999])
def test_a_sample_that_does_not_mislead_leaves_few_values_to_look_at(dtype: type, k: int) -> None:
    w = np.random.default_rng(0).standard_normal((10, 100)).astype(dtype)
    slots = np.stack([np.arange(0, 1000, 100), np.arange(100, 1100, 100)]).astype(np.int32)
    indices, values = np.arange(w.size + topk.SLACK, dtype=np.int32), np.append(w, np.full(topk.SLACK, np.nan, dtype))
    kept = tuple(np.zeros(n, t) for n, t in ((11, "i4"), (k + topk.SLACK, "i4"), (k + topk.SLACK, dtype)))
    topk.keep_rows(slots, indices, values, values.view(f"i{w.itemsize}"), TOPS[w.itemsize], k, 500, kept)
    np.testing.assert_array_equal(kept[1][:k], np.sort(np.argsort(-np.abs(w), axis=None, kind="stable")[:k]))
