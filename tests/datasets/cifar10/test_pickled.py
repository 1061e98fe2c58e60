"""The parser of pickled batches: batches of every writer are read; whatever else a pickle holds is refused."""

import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_datasets import DataError, load
from minizerofl_datasets.cifar10.pickled import read_pickled

BATCH = {
    b"batch_label": b"training batch 1 of 5",
    b"labels": [3, 1],
    b"data": np.arange(6, dtype=np.uint8).reshape(2, 3) * 51,
    b"filenames": [b"a.png", b"b.png"],
}


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def by_python_2(labels: list[int], pixels: np.ndarray) -> bytes:
    """What cPickle of Python 2 wrote for the official files: protocol 2, byte strings, lists in batches of 1,000."""

    def text(content):
        return (
            b"U" + bytes([len(content)]) if len(content) < 256 else b"T" + struct.pack("<I", len(content))
        ) + content

    def number(value):
        return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)

    def listed(items):
        parts = [b"(" + b"".join(items[at : at + 1000]) + b"e" for at in range(0, len(items), 1000)]
        return b"]q\x05" + b"".join(parts)

    shape = number(pixels.shape[0]) + number(pixels.shape[1]) + b"\x86"
    dtype = b"cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x08cnumpy\nndarray\nq\x09K\x00\x85U\x01b\x87Rq\x0a(K\x01"
    return (
        b"\x80\x02}q\x01("
        + (text(b"batch_label") + b"q\x02" + text(b"training batch 1 of 5") + b"q\x03")
        + (text(b"labels") + b"q\x04" + listed([number(label) for label in labels]))
        + (text(b"data") + b"q\x0b" + array + shape + dtype + b"\x89" + text(pixels.tobytes()) + b"tb")
        + (text(b"filenames") + b"q\x0c" + listed([text(b"leptodactylus_pentadactylus_s_000004.png")] * len(labels)))
        + b"u."
    )


@pytest.mark.parametrize("protocol", range(5))
def test_a_batch_is_read_whatever_the_protocol(protocol):
    labels, pixels = read_pickled(pickle.dumps(BATCH, protocol), "a batch")
    assert labels.tolist() == [3, 1]
    np.testing.assert_array_equal(pixels, BATCH[b"data"])


@pytest.mark.parametrize("protocol", range(5))
def test_keys_may_be_text(protocol):
    """What Python 3 writes after reading the official file with encoding="latin1"."""
    batch = {key.decode(): value for key, value in BATCH.items()}
    assert read_pickled(pickle.dumps(batch, protocol), "a batch")[0].tolist() == [3, 1]


def test_a_file_as_python_2_wrote_it(tmp_path, records):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in ("data_batch_1", "test_batch"):
        content = by_python_2(records[name][:, 0].tolist(), records[name][:, 1:])
        assert pickle.loads(content, encoding="bytes")[b"data"].shape == (10_000, 3072)  # it is a pickle
        (folder / name).write_bytes(content)
    data = load("cifar10", data_dir=tmp_path, num_clients=4)
    np.testing.assert_array_equal(data.labels["train"], records["data_batch_1"][:, 0])
    np.testing.assert_array_equal(data._records["test"], records["test_batch"])


@pytest.mark.parametrize("function", [eval, exec, getattr, __import__, np.load, np.frombuffer, np.ndarray, np.dtype])
@pytest.mark.parametrize("protocol", range(6))
def test_a_function_is_never_called(tmp_path, function, protocol):
    trap = tmp_path / "sprung"
    content = pickle.dumps({**BATCH, b"extra": Hostile(function, f"open({str(trap)!r}, 'w')")}, protocol)
    with pytest.raises(DataError, match=r"a batch: (asks for .* do not trust|is not a pickled)") as error:
        read_pickled(content, "a batch")
    assert "\n" not in str(error.value)
    assert not trap.exists()


@pytest.mark.parametrize(
    "data",
    [
        np.array([[None]]),
        np.zeros((2, 3), np.float32),
        np.zeros((2, 3), np.int8),
        np.zeros((2, 3), [("a", "u1")]),
        np.zeros(3, np.uint8),
        np.asfortranarray(np.zeros((2, 3), np.uint8)),
        np.zeros((2, 3, 1), np.uint8),
        np.zeros((2, 3), np.uint8).view(np.recarray),
        Hostile(np.zeros(1).__reduce__()[0], np.ndarray, (1 << 50,), b"b"),
        np.dtype(np.uint8),
        [1, 2],
        {},
    ],
)
def test_another_array_is_refused(data):
    with pytest.raises(DataError, match="a batch: ") as error:
        read_pickled(pickle.dumps({**BATCH, b"data": data}, 2), "a batch")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("labels", [[1.0], [None], [True], [b"1"], (1, 2), np.array([1, 2]), 1, [[1]], None], ids=str)
def test_other_labels_are_refused(labels):
    with pytest.raises(DataError, match="a batch: "):
        read_pickled(pickle.dumps({**BATCH, b"labels": labels}, 2), "a batch")


OBJECTS = b"cnumpy\nndarray\n((I1\ntS'O'\nS'AAAAAA\\x00\\x00'\ntR"  # an array of objects at an address of one's choice
NESTED = b"".join(b"(lg%d\nag%d\nag%d\nag%d\nap%d\n" % (i, i, i, i, i + 1) for i in range(40))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80",
        b".",
        b"not a pickle",
        pickle.dumps([1, 2]),
        pickle.dumps({b"labels": [1]}),
        pickle.dumps(None),
        pickle.dumps(BATCH, 2) + b"more",
        b"(dS'labels'\n(lI1\nasS'data'\ncnumpy\nndarray\n(" + OBJECTS + b"S'u1'\ntRs.",
        b"(lI1\nap0\n" + NESTED + b"p99\n0(dS'labels'\ng99\nsS'data'\ng99\ns.",  # a list of 4^40 numbers
        b"]q\x00h\x00a.",  # a list within itself
        b"(" * 5000 + b"t" * 5000 + b".",
        b")" + b"\x85" * 5000 + b".",
        b"}U\x06labels" + b"](" * 5000 + b"e" * 5000 + b"s.",
        b"\x80\x02}U\x04dataT" + struct.pack("<i", 2**31 - 1) + b"few",  # bytes that are only declared
        b"\x80\x04}\x8e" + struct.pack("<Q", 2**62) + b"few",
        b"I" + b"9" * 100_000 + b"\n.",
        b"N0" * 500_000,
    ],
    ids=range(18),
)
def test_what_is_not_a_batch_is_refused(content):
    tracemalloc.start()
    with pytest.raises(DataError, match="a batch: is not a pickled batch") as error:
        read_pickled(content, "a batch")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in str(error.value)
    assert peak < 100 * len(content) + 1_000_000


def test_truncated_at_every_length():
    for whole in (pickle.dumps(BATCH, 2), by_python_2([3, 1], BATCH[b"data"])):
        for length in range(len(whole)):
            with pytest.raises(DataError):
                read_pickled(whole[:length], "a batch")


@given(st.data())
def test_a_changed_byte_is_refused_or_gives_a_batch(data):
    whole = bytearray(data.draw(st.sampled_from([by_python_2([3, 1], BATCH[b"data"]), pickle.dumps(BATCH, 4)])))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        labels, pixels = read_pickled(bytes(whole), "a batch")
    except DataError as error:
        refused = str(error)
        assert "\n" not in refused
    else:
        assert labels.ndim == 1
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 2
