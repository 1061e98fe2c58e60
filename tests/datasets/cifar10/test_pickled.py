"""The restricted unpickler: batches are read, whatever else a pickle asks for is not looked up."""

import pickle

import numpy as np
import pytest

from minizerofl_datasets import DataError
from minizerofl_datasets.cifar10.pickled import read_pickled

BATCH = {b"labels": [3, 1], b"data": np.arange(6, dtype=np.uint8).reshape(2, 3)}


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(5))
def test_a_batch_is_read_whatever_the_protocol(protocol):
    labels, pixels = read_pickled(pickle.dumps(BATCH, protocol), "a batch")
    assert labels.tolist() == [3, 1]
    np.testing.assert_array_equal(pixels, BATCH[b"data"])


def test_a_batch_as_python_2_wrote_it():
    """The official files: protocol 2, names of NumPy 1, bytes as text."""
    old = pickle.dumps(BATCH, 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in old
    assert read_pickled(old, "a batch")[1].shape == (2, 3)


@pytest.mark.parametrize("function", [eval, exec, getattr, __import__, np.load, np.frombuffer])
def test_a_function_is_never_called(tmp_path, function):
    trap = tmp_path / "sprung"
    content = pickle.dumps({**BATCH, b"extra": Hostile(function, f"open({str(trap)!r}, 'w')")})
    with pytest.raises(DataError, match=r"a batch: asks for .* do not trust this file"):
        read_pickled(content, "a batch")
    assert not trap.exists()


def test_a_size_that_is_only_stated_costs_nothing():
    huge = pickle.dumps({**BATCH, b"data": Hostile(np.zeros(1).__reduce__()[0], np.ndarray, (1 << 50,), b"b")})
    assert read_pickled(huge, "a batch")[1].size == 0


@pytest.mark.parametrize(
    "content", [b"", b"\x80", b"not a pickle", pickle.dumps([1, 2]), pickle.dumps({b"labels": [1]}), pickle.dumps(None)]
)
def test_what_is_no_batch_is_refused(content):
    with pytest.raises(DataError, match="a batch: is not a pickled batch") as error:
        read_pickled(content, "a batch")
    assert "\n" not in str(error.value)


def test_truncated_at_every_length():
    whole = pickle.dumps(BATCH, 2)
    for length in range(len(whole)):
        with pytest.raises(DataError):
            read_pickled(whole[:length], "a batch")


def test_data_that_is_no_array_is_refused():
    with pytest.raises(DataError, match="'data' is not an array"):
        read_pickled(pickle.dumps({**BATCH, b"data": [1, 2]}), "a batch")
