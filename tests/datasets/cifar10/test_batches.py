"""The reader on files written here: every layout gives the same pictures; what is damaged is named."""

import shutil

import numpy as np
import pytest

from minizerofl_datasets import DataError, load
from minizerofl_datasets.cifar10.files import find_files
from minizerofl_datasets.cifar10.pictures import MEAN, STD


@pytest.mark.long
@pytest.mark.parametrize("layout", ["binary", "archived", "pickled"])
def test_every_layout_gives_the_same_pictures(request, records, layout):
    folder = request.getfixturevalue(layout)
    data = load("cifar10", data_dir=folder, num_clients=4, seed=1)
    assert (data.source, data.format) == ("real", "python" if layout == "pickled" else "binary")
    assert "20,000 of the 50,000 official training pictures" in data.describe()
    expected = np.concatenate([records["data_batch_1"], records["data_batch_3"]])
    np.testing.assert_array_equal(data.labels["train"], expected[:, 0])
    np.testing.assert_array_equal(data.labels["test"], records["test_batch"][:, 0])
    rows = data.partition.rows(data.clients[2])
    x = data._read(data.clients[2], "train")[0]
    pixels = expected[rows, 1:].reshape(-1, 3, 32, 32)
    np.testing.assert_allclose(x, (pixels / 255 - MEAN[:, None, None]) / STD[:, None, None], atol=1e-5)
    assert x.dtype == np.float32


@pytest.mark.parametrize("below", [".", "cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"])
def test_the_folder_is_found_in_each_documented_place(tmp_path, below):
    (tmp_path / below).mkdir(parents=True, exist_ok=True)
    for name in ("data_batch_5.bin", "data_batch_2.bin", "test_batch.bin", "data_batch_6.bin"):
        (tmp_path / below / name).touch()
    found = find_files(tmp_path)
    assert [path.name for path in found.train] == ["data_batch_2.bin", "data_batch_5.bin"]


@pytest.mark.parametrize("missing", ["data_batch_1.bin", "test_batch.bin"])
def test_half_of_a_set_is_an_error(tmp_path, missing):
    for name in {"data_batch_1.bin", "test_batch.bin"} - {missing}:
        (tmp_path / name).touch()
    with pytest.raises(DataError, match="batches but not its"):
        load("cifar10", data_dir=tmp_path)


def test_a_layout_can_be_asked_for(binary, pickled):
    with pytest.raises(DataError, match="holds no CIFAR-10 in the PYTHON layout"):
        load("cifar10", data_dir=binary, format="python")
    assert find_files(pickled, "python").format == "python"


@pytest.fixture
def writable(tmp_path, binary):
    """A folder of links to the binary files, each of which may be replaced."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for file in (binary / "cifar-10-batches-bin").iterdir():
        (folder / file.name).symlink_to(file)
    return tmp_path


@pytest.mark.parametrize("length", [0, 1, 3073, 9_999 * 3073, 10_000 * 3073 - 1, 10_000 * 3073 + 1])
@pytest.mark.parametrize("name", ["data_batch_3.bin", "test_batch.bin"])
def test_a_file_of_another_length_is_refused(writable, records, name, length):
    path = writable / "cifar-10-batches-bin" / name
    path.unlink()
    path.write_bytes((bytes(records["data_batch_3"]) + b"\0")[:length])
    with pytest.raises(DataError, match=f"{name}: has {length:,} bytes, expected 30,730,000") as error:
        load("cifar10", data_dir=writable)
    assert "\n" not in str(error.value)


def test_a_label_above_nine_is_refused(writable, records):
    path = writable / "cifar-10-batches-bin" / "data_batch_1.bin"
    path.unlink()
    spoilt = records["data_batch_1"].copy()
    spoilt[77, 0] = 10
    spoilt.tofile(path)
    with pytest.raises(DataError, match=r"data_batch_1\.bin: labels run up to 10"):
        load("cifar10", data_dir=writable)


def test_a_file_too_large_is_not_read(writable):
    path = writable / "cifar-10-batches-bin" / "data_batch_1.bin"
    path.unlink()
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: takes no room on the disk
    with pytest.raises(DataError, match="larger than any batch"):
        load("cifar10", data_dir=writable)


@pytest.mark.parametrize("end", [b"", b"\1\2\3\4"], ids=["missing", "wrong"])
def test_an_archive_whose_checksum_is_missing_or_wrong_is_refused(tmp_path, archived, end):
    content = (archived / "cifar-10-binary.tar.gz").read_bytes()
    changed = content[:-8] + end + content[-4:] if end else content[:-8]  # gzip ends with checksum and length
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(changed)
    with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz: cannot be unpacked"):
        load("cifar10", data_dir=tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.99])
def test_a_truncated_archive_is_refused(tmp_path, archived, share):
    content = (archived / "cifar-10-binary.tar.gz").read_bytes()
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"\.tar\.gz: (cannot be unpacked|holds no|is not an archive)") as error:
        load("cifar10", data_dir=tmp_path)
    assert "\n" not in str(error.value)


def test_the_fingerprint_sees_every_byte_and_no_division(tmp_path, binary):
    folder = shutil.copytree(binary, tmp_path / "copy")
    prints = [load("cifar10", data_dir=binary, num_clients=2).fingerprint()]
    prints.append(load("cifar10", data_dir=folder, num_clients=3, partition="iid", seed=1).fingerprint())
    assert prints[0] == prints[1]
    for file, place in (("data_batch_3.bin", 0), ("test_batch.bin", -1)):  # a label, the last pixel
        path = folder / "cifar-10-batches-bin" / file
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        path.write_bytes(content)
        prints.append(load("cifar10", data_dir=folder, num_clients=2).fingerprint())
    assert len(set(prints)) == 3
