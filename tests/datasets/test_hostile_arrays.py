"""Files of arrays that are not what they seem: refused in one line, before memory is asked for, nothing stored."""

import io
import os
import struct
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl_datasets import DataError, import_arrays
from minizerofl_datasets.arrays import read_arrays
from minizerofl_datasets.imported import imported_names

X = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8), dtype=np.uint8)
Y = np.arange(40) % 4
PIXELS = X.tobytes()


def npy(shape="(40, 1, 8, 8)", descr="|u1", content=PIXELS, version=1, header=None, length=None):
    """A .npy file that declares what it is told to."""
    text = header or f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 13) % 64) + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + content


def write_npz(path, member, name="x.npy", method=zipfile.ZIP_STORED):
    labels = io.BytesIO()
    np.save(labels, Y)
    with zipfile.ZipFile(path, "w", method) as packed:
        packed.writestr(name, member)
        packed.writestr("y.npy", labels.getvalue())
    return path


def test_the_file_that_all_of_these_spoil_is_fit(tmp_path):
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        for version in (1, 2):
            path = write_npz(tmp_path / "a.npz", npy(version=version), method=method)
            np.testing.assert_array_equal(read_arrays(path)["x"], X)


NPZ = {
    "tera": (npy("(1000000000000, 8, 8)"), "does not hold just that much"),
    "wide": (npy("(1180591620717411303424, 8, 8)"), "does not hold just that much"),
    "negative": (npy("(-40, -1, 8, 8)"), "does not hold just that much"),
    "one negative": (npy("(-1, 1, 8, 8)"), "does not hold just that much"),
    "short": (npy(content=X.tobytes()[:-1]), "does not hold just that much"),
    "long": (npy(content=X.tobytes() + b"0"), "does not hold just that much"),
    "objects": (npy(descr="|O", content=b"cos\nsystem\n(S'true'\ntR."), "holds Python objects"),
    "objects inside": (npy(descr=[("a", "|O"), ("b", "|u1")]), "holds Python objects"),
    "records": (npy(descr=[("a", "|u1")]), r"expected plain numbers or text"),
    "dates": (npy("(40, 1, 8)", "<M8[s]"), "expected plain numbers or text"),
    "complex": (npy("(40, 1, 4)", "<c16"), "expected plain numbers or text"),
    "wide text": (npy("(40, 1)", "|S1000000000000"), "cannot be read|does not hold"),
    "text": (b"hello", "is not a NumPy array"),
    "nothing": (b"", "is not a NumPy array"),
    "version 3": (npy(version=3), "is not a NumPy array"),
    "long header": (npy(version=2, length=4_000_000_000), "a header of 4,000,000,000 bytes"),
    "deep header": (npy(header=b"(" * 4000 + b")" * 4000), "cannot be read"),
    "header that calls": (npy(header=b"{'descr': __import__('os').getcwd(), 'shape': ()}"), "cannot be read"),
    "header that counts": (npy("(10**9 * 10**9,)"), "cannot be read"),
}


@pytest.mark.parametrize("kind", NPZ)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_npz_that_lies_is_refused(tmp_path, kind, method):
    member, says = NPZ[kind]
    with pytest.raises(DataError, match=f"a.npz: .*({says})") as error:
        read_arrays(write_npz(tmp_path / "a.npz", member, method=method))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_member_larger_than_its_packing_can_be_is_refused(tmp_path):
    """The sizes in the directory are made to lie about a small member."""
    size = 128 + (1 << 31)
    path = write_npz(tmp_path / "a.npz", npy("(2147483648,)"), method=zipfile.ZIP_DEFLATED)
    content = path.read_bytes().replace(struct.pack("<I", 128 + X.size), struct.pack("<I", size))
    path.write_bytes(content)
    with pytest.raises(DataError, match="does not hold just that much"):
        read_arrays(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_refused(tmp_path, method):
    with pytest.raises(DataError, match="packed in an unusual way"):
        read_arrays(write_npz(tmp_path / "a.npz", npy(), method=method))


@settings(max_examples=150)
@given(st.data())
def test_a_changed_npz_is_refused_or_reads_the_same(tmp_path_factory, data):
    method = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    path = write_npz(tmp_path_factory.mktemp("fuzz") / "a.npz", npy(), method=method)
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole[: data.draw(st.sampled_from([len(whole), len(whole) - 1, len(whole) // 2]))])
    try:
        arrays = read_arrays(path)
    except DataError as error:
        refused = str(error)
        assert "\n" not in refused
    else:
        np.testing.assert_array_equal(arrays["x"], X)
        np.testing.assert_array_equal(arrays["y"], Y)


def virtual(file, name, source, source_file="."):
    layout = h5py.VirtualLayout(X.shape, "u1")
    layout[:] = h5py.VirtualSource(source_file, source, X.shape)
    file.create_virtual_dataset(name, layout)


def with_filter(file, code):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk(X.shape)
    plan.set_filter(code, h5py.h5z.FLAG_OPTIONAL)
    h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple(X.shape), plan)


def hard_cycle(file):
    file.create_group("x")
    file["x/x"] = file["x"]


def large_pieces(file):
    data = file.create_dataset(
        "x", X.shape, "u1", chunks=(40, 1, 1024, 2048), maxshape=(40, 1, None, None), compression=1
    )
    data[:] = X


HDF5 = {
    "a virtual array of itself": (lambda file: virtual(file, "x", "x"), "'x' is a virtual array"),
    "a virtual array of another file": (lambda file: virtual(file, "x", "x", "/etc/passwd"), "'x' is a virtual array"),
    "data in another file": (
        lambda file: file.create_dataset("x", X.shape, "u1", external=[("/etc/passwd", 0, X.size)]),
        "'x' keeps its data in another file",
    ),
    "a soft link": (lambda file: file.__setitem__("x", h5py.SoftLink("/y")), "'x' is a link"),
    "a soft link to itself": (lambda file: file.__setitem__("x", h5py.SoftLink("/x")), "'x' is a link"),
    "an external link": (lambda file: file.__setitem__("x", h5py.ExternalLink("b.h5", "x")), "'x' is a link"),
    "no array": (lambda file: file.__setitem__("x", h5py.Empty("u1")), "'x' holds no array"),
    "a number": (lambda file: file.__setitem__("x", 3), "'x' holds no array"),
    "a group": (lambda file: file.create_group("x"), "needs the arrays 'x'"),
    "a cycle": (hard_cycle, "needs the arrays 'x'"),
    "a type": (lambda file: file.__setitem__("x", np.dtype("u1")), "'x' is not an array"),
    "tera": (
        lambda file: file.create_dataset("x", (10**12, 8, 8), "u1", chunks=(1000, 8, 8)),
        "'x' has the shape .* does not hold that much",
    ),
    "tera, packed": (
        lambda file: file.create_dataset("x", (10**12, 8, 8), "u1", chunks=(1000, 8, 8), compression="gzip"),
        "'x' has the shape .* does not hold that much",
    ),
    "tera, in one piece": (lambda file: file.create_dataset("x", (10**12, 8, 8), "u1"), "does not hold that much"),
    "wide": (lambda file: file.create_dataset("x", (2**62, 4), "u1", chunks=(8, 4)), "does not hold that much"),
    "records": (lambda file: file.__setitem__("x", np.zeros(40, [("a", "u1")])), "something other than plain numbers"),
    "references": (lambda file: file.create_dataset("x", (40,), h5py.ref_dtype), "something other than plain numbers"),
    "lists": (
        lambda file: file.create_dataset("x", (40,), h5py.vlen_dtype("u1")),
        "something other than plain numbers",
    ),
    "an unknown filter": (lambda file: with_filter(file, 32015), "'x' is packed with filter 32015"),
    "a built-in filter of another kind": (lambda file: with_filter(file, 6), "'x' is packed with filter 6"),
    "pieces larger than the array": (large_pieces, "'x' is stored in chunks of"),
}


@pytest.mark.long
@pytest.mark.parametrize("kind", HDF5)
def test_an_hdf5_file_that_is_not_what_it_seems_is_refused(tmp_path, kind):
    spoil, says = HDF5[kind]
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        spoil(file)
        file["y"] = Y
    with pytest.raises(DataError, match=says) as error:
        import_arrays("mine", path)
    assert "a.h5" in str(error.value)
    assert "\n" not in str(error.value)
    assert imported_names() == ()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (10, 1, 8, 8)},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"compression": "lzf"},
    ],
    ids=str,
)
@pytest.mark.parametrize("content", [X, np.zeros_like(X), X.astype(">f8")], ids=["bytes", "zeros", "floats"])
def test_honest_ways_of_storing_are_read(tmp_path, options, content):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=content, **options)
        file.create_dataset("y", data=Y, **{key: value for key, value in options.items() if key != "chunks"})
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.h5")["x"], content)


@pytest.mark.long
@settings(max_examples=15)
@given(st.data())
def test_a_changed_hdf5_file_is_refused_or_gives_arrays(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"], file["y"], file["client"] = X, Y, Y.astype(str).astype(h5py.string_dtype())
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    try:
        import_arrays("fuzz", path, replace=True)
    except DataError as error:
        refused = str(error)
        assert "\n" not in refused
    else:
        assert "fuzz" in imported_names()


@pytest.mark.posix
def test_pipes_devices_and_folders_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    for path in (tmp_path / "pipe.h5", "/dev/zero", tmp_path):
        with pytest.raises(DataError, match="is not a plain file"):
            import_arrays("mine", path)


def test_more_than_the_memory_of_this_machine_is_refused_before_it_is_read(tmp_path):
    rows = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1 << 20) + 1
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (rows, 1024, 1024), "u1")
        file["y"] = Y
        file["x"][-1] = 1
    if (tmp_path / "a.h5").stat().st_blocks * 512 > 1 << 30:
        pytest.skip("the file system stores holes")
    with pytest.raises(DataError, match="more than this machine's memory"):
        import_arrays("mine", tmp_path / "a.h5")
