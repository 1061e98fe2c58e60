"""Row-sparse gradients: equal to dense ones in every sum and every optimiser, and only where they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor, ops, optim
from minizerofl.autograd.op import Op
from minizerofl.autograd.rowsparse import RowSparse, dense
from minizerofl.fl.proximal import ProximalSGD


class PickRows(Op):
    """Some rows of a matrix; its gradient is row-sparse, or the same as an array."""

    name = "pick_rows"

    @staticmethod
    def forward(node, w, rows, whole):
        node.save(w.shape, rows, whole)
        return w[rows]

    @staticmethod
    def backward(node, grad):
        shape, rows, whole = node.saved
        sparse = RowSparse(shape, rows, grad)
        return (dense(sparse) if whole else sparse,)


ROWS = st.sets(st.integers(0, 5)).map(lambda rows: np.array(sorted(rows), np.int32))
OPTIMISERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.5),
    "adam": lambda p: optim.Adam(p, lr=0.1),
    "proximal": lambda p: ProximalSGD(p, lr=0.1, mu=0.5),
}


@pytest.mark.parametrize("name", OPTIMISERS)
@given(st.lists(ROWS, min_size=2, max_size=3), st.booleans(), st.integers(0, 2**32 - 1))
def test_training_is_the_same_as_with_dense_gradients(name: str, steps: list, twice: bool, seed: int) -> None:
    start = np.random.default_rng(seed).standard_normal((6, 3)).astype(np.float32)
    ends = []
    for whole in (False, True):
        w = Tensor(start, requires_grad=True)
        optimiser = OPTIMISERS[name]([w])
        for rows in steps:
            optimiser.zero_grad()
            loss = ops.sum(PickRows.apply(w, rows=rows, whole=whole) ** 2)
            if twice:  # the shares of two uses are added
                loss = loss + ops.sum(PickRows.apply(w * 2.0, rows=rows[:1], whole=whole))
            loss.backward()
            optimiser.step()
        ends.append((w.numpy(), np.array(w.grad)))
    for sparse, whole_ in zip(*ends, strict=True):
        np.testing.assert_array_equal(sparse, whole_)


def test_only_what_was_written_counts_as_changed() -> None:
    w = Tensor(np.ones((4, 2), np.float32), requires_grad=True)
    version = w.writes.version
    assert w.writes.rows_changed_since(version, w.array).size == 0
    ops.sum(PickRows.apply(w, rows=np.array([1, 3], np.int32), whole=False)).backward()
    optim.SGD([w], lr=0.5).step()
    np.testing.assert_array_equal(w.writes.rows_changed_since(version, w.array), [1, 3])
    np.testing.assert_array_equal(w.data, [[1, 1], [0.5, 0.5], [1, 1], [0.5, 0.5]])
    assert w.detach().writes.rows_changed_since(version, w.detach().array) is not None
    w.assign_(np.zeros((4, 2)))
    assert w.writes.rows_changed_since(version + 1, w.array) is None
    assert w.writes.rows_changed_since(version, w.array) is None


def test_rows_of_another_view_of_the_memory_are_not_taken_for_ones_own() -> None:
    w = Tensor(np.ones((4, 2), np.float32))
    turned = w.T.detach()
    with turned.writing(np.array([0], np.int32)) as array:
        array[0] = 5
    assert w.writes.rows_changed_since(0, w.array) is None


def test_a_row_sparse_gradient_of_the_wrong_shape_is_refused() -> None:
    class Wrong(PickRows):
        @staticmethod
        def backward(node, grad):
            return (RowSparse((2, 2), np.array([0], np.int32), grad),)

    w = Tensor(np.ones((4, 2), np.float32), requires_grad=True)
    with pytest.raises(RuntimeError, match=r"pick_rows: backward returned float32\[2, 2\] for an input of"):
        ops.sum(Wrong.apply(w, rows=np.array([0], np.int32), whole=False)).backward()
