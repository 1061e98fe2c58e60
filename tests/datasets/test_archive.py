"""Unpacking: what is honest comes out whole; what is hostile, damaged or too large is refused, and nothing escapes."""

import bz2
import gzip
import io
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl_datasets import DataError
from minizerofl_datasets.archive import publish, unpack

NOISE = np.random.default_rng(0).bytes(200_000)  # does not compress: damage anywhere hits it


def write_tar(path, entries, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for name, content in entries:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def write_zip(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries:
            packed.writestr(name, content)
    return path


def write(path, entries):
    return (
        write_zip(path, entries)
        if path.suffix == ".zip"
        else write_tar(path, entries, f"w:{path.suffix[1:].removeprefix('tar')}")
    )


SUFFIXES = ["a.tar.gz", "a.tar.bz2", "a.tar", "a.zip"]


@pytest.mark.parametrize("name", SUFFIXES)
def test_an_honest_archive_comes_out_whole(tmp_path, name):
    archive = write(tmp_path / name, [("./deep/in/it.txt", b"whole"), ("noise", NOISE), ("empty", b"")])
    unpack(archive, tmp_path / "out", max_bytes=300_000)
    assert (tmp_path / "out/deep/in/it.txt").read_bytes() == b"whole"
    assert (tmp_path / "out/noise").read_bytes() == NOISE
    assert (tmp_path / "out/empty").read_bytes() == b""


@pytest.mark.parametrize("name", SUFFIXES)
@pytest.mark.parametrize("entry", ["../escaped", "a/../../escaped", "/escaped", "a\\..\\escaped", "C:escaped"])
def test_a_path_that_escapes_is_refused(tmp_path, name, entry):
    archive = write(tmp_path / name, [("good", b"1"), (entry, b"2")])
    with pytest.raises(DataError, match="outside of its folder") as error:
        unpack(archive, tmp_path / "in" / "out", max_bytes=100)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("*escaped*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    info = tarfile.TarInfo("link")
    info.type, info.linkname = kind, "/etc/passwd"
    archive = write_tar(tmp_path / "a.tar.gz", [(info, b""), ("link/file", b"x")])
    with pytest.raises(DataError, match="a link or a device"):
        unpack(archive, tmp_path / "out", max_bytes=100)


def test_links_in_a_zip_are_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with pytest.raises(DataError, match="a link or a device"):
        unpack(write_zip(tmp_path / "a.zip", [(info, b"/etc/passwd")]), tmp_path / "out", max_bytes=100)


@pytest.mark.parametrize("name", SUFFIXES)
def test_more_than_allowed_is_refused_before_it_is_written(tmp_path, name):
    archive = write(tmp_path / name, [("a", bytes(600)), ("bomb", bytes(10_000_000))])
    with pytest.raises(DataError, match="more than 1,000 bytes"):
        unpack(archive, tmp_path / "out", max_bytes=1000)
    assert sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file()) <= 1000


def test_a_zip_that_lies_about_a_size_is_refused(tmp_path):
    archive = write_zip(tmp_path / "a.zip", [("bomb", bytes(1_000_000))])
    content = archive.read_bytes()
    archive.write_bytes(content.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(DataError):
        unpack(archive, tmp_path / "out", max_bytes=1000)
    assert sum(file.stat().st_size for file in (tmp_path / "out").rglob("*") if file.is_file()) <= 1000


def test_a_tar_that_declares_a_huge_size_is_refused(tmp_path):
    info = tarfile.TarInfo("huge")
    info.size = 1 << 50
    (tmp_path / "a.tar").write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(DataError, match="more than 1,000 bytes"):
        unpack(tmp_path / "a.tar", tmp_path / "out", max_bytes=1000)


@pytest.mark.parametrize("name", SUFFIXES)
def test_too_many_entries_are_refused(tmp_path, name):
    archive = write(tmp_path / name, [(str(i), b"") for i in range(6)])
    with pytest.raises(DataError, match="more than 5 entries"):
        unpack(archive, tmp_path / "out", max_bytes=100, max_files=5)


def test_an_entry_that_comes_twice_is_refused(tmp_path):
    archive = write_tar(tmp_path / "a.tar.gz", [("a", b"1"), ("a", b"2")])
    with pytest.raises(DataError, match="twice"):
        unpack(archive, tmp_path / "out", max_bytes=100)


@pytest.mark.parametrize("name", SUFFIXES)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9])
def test_a_truncated_archive_is_refused(tmp_path, name, share):
    archive = write(tmp_path / name, [("a", NOISE), ("b", NOISE)])
    content = archive.read_bytes()
    archive.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"a\.(tar|zip)") as error:
        unpack(archive, tmp_path / "out", max_bytes=1_000_000)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.bz2", "a.zip"])  # a plain tar has no checksum of its files
@pytest.mark.parametrize("at", [50_000, 100_000, 190_000])
def test_a_damaged_archive_is_refused(tmp_path, name, at):
    archive = write(tmp_path / name, [("a", NOISE)])
    content = bytearray(archive.read_bytes())
    content[at] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.(tar|zip)"):
        unpack(archive, tmp_path / "out", max_bytes=1_000_000)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_packed_in_an_unusual_way_is_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as packed:
        packed.writestr("a", NOISE)
    with pytest.raises(DataError, match="'a' is packed in an unusual way"):
        unpack(tmp_path / "a.zip", tmp_path / "out", max_bytes=1_000_000)


def header(kind, size):
    info = tarfile.TarInfo("header")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


KINDS = [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
@pytest.mark.parametrize("before", [b"", tarfile.TarInfo("honest").tobuf()], ids=["first", "second"])
def test_a_header_larger_than_any_needs_costs_no_memory(tmp_path, kind, pack, before):
    (tmp_path / "a.tar").write_bytes(pack(before + header(kind, 307_200_000) + bytes(5_000_000)))
    tracemalloc.start()
    with pytest.raises(DataError, match="a header that declares 307,200,000 bytes") as error:
        unpack(tmp_path / "a.tar", tmp_path / "out", max_bytes=1_000_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "\n" not in str(error.value)
    assert peak < 3_000_000


def test_headers_upon_headers_are_refused(tmp_path):
    for number in (100, 5_000):
        content = number * (header(tarfile.XHDTYPE, 11) + b"11 path=ab\n".ljust(512, b"\0"))
        (tmp_path / "a.tar").write_bytes(content + tarfile.TarInfo("a").tobuf() + bytes(10_240))
        if number == 100:
            unpack(tmp_path / "a.tar", tmp_path / "out", max_bytes=1000)
    with pytest.raises(DataError, match=r"a\.tar: "):
        unpack(tmp_path / "a.tar", tmp_path / "out", max_bytes=1000)


def test_a_sparse_file_is_refused(tmp_path):
    info = tarfile.TarInfo("holes")
    info.pax_headers = {"GNU.sparse.map": "0,1,1000000000,1", "GNU.sparse.size": "2000000000"}
    content = info.tobuf(tarfile.PAX_FORMAT)
    (tmp_path / "a.tar").write_bytes(content + bytes(10_240))
    with pytest.raises(DataError, match="'holes'"):
        unpack(tmp_path / "a.tar", tmp_path / "out", max_bytes=10**10)


@settings(max_examples=60)
@given(st.data())
def test_a_changed_archive_is_refused_or_unpacks_inside(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    name = data.draw(st.sampled_from(SUFFIXES))
    whole = bytearray(write(folder / name, [("deep/a", b"text" * 200), ("b" * 150, b"b")]).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))])
    try:
        unpack(folder / name, folder / "in" / "out", max_bytes=5000)
    except DataError as error:
        refused = str(error)
        assert "\n" not in refused
    assert {path.name for path in folder.iterdir()} <= {name, "in"}
    assert {path.name for path in (folder / "in").glob("*")} <= {"out"}
    assert sum(path.stat().st_size for path in folder.rglob("in/out/**/*") if path.is_file()) <= 5000


def test_a_tar_that_goes_on_and_on_is_refused(tmp_path):
    archive = write_tar(tmp_path / "a.tar", [("a", b"1")], "w")
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(archive.read_bytes() + bytes(20_000_000)))
    with pytest.raises(DataError, match="has data after its last entry"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out", max_bytes=1_000_000)


def test_whoever_publishes_second_changes_nothing(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "which").write_text(name)
        publish(tmp_path / name, tmp_path / "final")
    assert (tmp_path / "final/which").read_text() == "first"
    assert not (tmp_path / "second").exists()
