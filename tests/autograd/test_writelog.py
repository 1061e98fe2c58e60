"""The write log: it never calls a row unchanged that a write has changed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import Tensor

ROWS = 4
WRITES = st.lists(st.one_of(st.none(), st.lists(st.integers(0, ROWS - 1), unique=True).map(sorted)), max_size=5)


@given(WRITES, st.booleans())
def test_rows_that_changed_are_among_those_it_names(writes: list[list[int] | None], through_a_view: bool) -> None:
    w = Tensor(np.zeros((ROWS, ROWS), np.float32))
    writer = w.T.detach() if through_a_view else w
    versions = {w.writes.version: w.numpy()}
    for rows in writes:
        with writer.writing(None if rows is None else np.array(rows, np.int32)) as array:
            array[slice(None) if rows is None else rows] += 1
        versions[w.writes.version] = w.numpy()
    for version, before in versions.items():
        named = w.writes.rows_changed_since(version, w.array)
        if named is not None:
            assert set(np.flatnonzero((w.data != before).any(axis=1))) <= set(named.tolist())


def test_one_write_of_known_rows_is_remembered() -> None:
    w = Tensor(np.zeros((ROWS, 2), np.float32))
    with w.writing(np.array([1, 3], np.int32)):
        pass
    assert w.writes.rows_changed_since(0, w.array).tolist() == [1, 3]
    assert w.writes.rows_changed_since(1, w.array).size == 0
