"""The LEAF build on small archives in NIST's layout, made here: the join, the pixels, the split, the repeats."""

import io
import math
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image

from minizerofl_datasets import DataError, load
from minizerofl_datasets.femnist.build import build_leaf
from minizerofl_datasets.femnist.images import CLASS_NAMES
from minizerofl_datasets.femnist.nist import shrink

WRITERS = {"f0000_14": 1, "f0001_41": 12, "f2000_00": 31}


def png(image):
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()


def scan(writer, number):
    """A black and white picture like none other, and its label."""
    rng = np.random.default_rng([number, *writer.encode()])
    blocks = (rng.random((16, 16)) < 0.8).astype(np.uint8) * 255
    return png(blocks.repeat(8, axis=0).repeat(8, axis=1)), (7 * number + len(writer)) % 62


@pytest.fixture
def nist(tmp_path):
    """Write by_class.zip and by_write.zip, with the other things that NIST's have in them."""

    def put(archive, name, content):
        archive.writestr(zipfile.ZipInfo(name), content)  # without the time of now: the same archive again

    def write(*, strange=None, missing=False, code=None):
        with (
            zipfile.ZipFile(tmp_path / "by_class.zip", "w") as by_class,
            zipfile.ZipFile(tmp_path / "by_write.zip", "w") as by_write,
        ):
            for writer, n in WRITERS.items():
                for number in range(n):
                    content, label = scan(writer, number)
                    content = strange if strange is not None and number == 5 else content
                    folder = code or f"{ord(CLASS_NAMES[label]):02x}"
                    if not (missing and number == 3):
                        put(by_class, f"by_class/{folder}/hsf_0/hsf_0_{writer}_{number:05}.png", content)
                        put(by_class, f"by_class/{folder}/train_{folder}/train_{writer}_{number:05}.png", content)
                    put(by_write, f"by_write/hsf_0/{writer}/c{writer}/c{writer}_{number:05}.png", content)
            put(by_class, "by_class/30/hsf_0.mit", b"a list")
        return tmp_path / "by_class.zip", tmp_path / "by_write.zip"

    return write


def images_of(data, client):
    """All of a writer's images with their labels, in no particular order."""
    parts = [getattr(data, call)(client) for call in ("train", "validation", "test")]
    return sorted((image.tobytes(), int(label)) for x, y in parts for image, label in zip(x.round(5), y, strict=True))


def test_the_store_holds_every_picture_of_every_writer(monkeypatch, nist):
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    seen = []
    folder = build_leaf(*nist(), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 44) for number in range(1, 45)] * 2
    data = load("femnist", format="leaf", polarity="raw")  # found in the cache
    assert str(folder) in data.describe()
    assert (data.source, data.format, data.clients) == ("real", "leaf", tuple(WRITERS))
    for writer, n in WRITERS.items():
        expected = []
        for number in range(n):
            content, label = scan(writer, number)
            pixels = (shrink(content, "a scan").astype(np.float32) / 255)[None].round(5)
            expected.append((pixels.tobytes(), label))
        assert images_of(data, writer) == sorted(expected)
        assert data.num_test(writer) == n - max(1, int(0.9 * n))


def test_pixels_are_grey_levels_with_paper_white():
    picture = np.full((128, 128), 255, np.uint8)
    picture[40:90, 60:70] = 0
    small = shrink(png(picture), "a scan")
    assert (small.shape, small.dtype) == ((28, 28), np.uint8)
    assert (small[0, 0], small[14, 14]) == (255, 0)
    grey = np.array(Image.fromarray(picture).resize((28, 28), Image.Resampling.LANCZOS))
    np.testing.assert_array_equal(small, grey)
    np.testing.assert_array_equal(shrink(png(picture > 0), "one bit"), small)


def test_the_store_is_small_and_repeats_on_demand(nist, tmp_path):
    archives = nist()
    build_leaf(*archives, tmp_path / "plain")
    build_leaf(*archives, tmp_path / "kept", keep_duplicates=True)
    with h5py.File(tmp_path / "plain/femnist_leaf_train.h5") as file:
        assert file["examples/f2000_00/pixels"].dtype == np.uint8
    plain = load("femnist", data_dir=tmp_path / "plain")
    kept = load("femnist", data_dir=tmp_path / "kept", keep_duplicates=True)
    more = {client: len(images_of(kept, client)) - len(images_of(plain, client)) for client in plain.clients}
    assert more == {"f0000_14": 0, "f0001_41": 1, "f2000_00": 1}
    for writer in list(WRITERS)[1:]:
        images = images_of(kept, writer)
        assert len(set(images)) == len(images) - 1
    with pytest.raises(DataError, match="was built with LEAF's repeated images"):
        load("femnist", data_dir=tmp_path / "kept")
    with pytest.raises(DataError, match="was built without"):
        load("femnist", data_dir=tmp_path / "plain", keep_duplicates=True)


def test_the_split_depends_on_the_seed_alone(nist, tmp_path):
    archives = nist()
    tests = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        build_leaf(*archives, tmp_path / name, seed=seed)
        tests.append(load("femnist", data_dir=tmp_path / name).test()[0])
    np.testing.assert_array_equal(tests[0], tests[1])
    assert not np.array_equal(tests[0], tests[2])


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 0.999])
def test_the_share_of_test_images_is_an_option_and_is_stored(nist, tmp_path, share):
    build_leaf(*nist(), tmp_path / "out", test_share=share)
    data = load("femnist", data_dir=tmp_path / "out", format="leaf")
    assert f"{100 * share:g} % of each writer's images for testing" in data.describe().splitlines()[0]
    for writer, n in WRITERS.items():
        assert data.num_test(writer) == min(n - 1, math.ceil(round(share * n, 9)))


def test_files_that_do_not_state_the_share_have_leafs(nist, tmp_path):
    build_leaf(*nist(), tmp_path / "out")
    for part in ("train", "test"):
        with h5py.File(tmp_path / f"out/femnist_leaf_{part}.h5", "a") as file:
            del file["examples"].attrs["test_share"]
    assert "10 % of each" in load("femnist", data_dir=tmp_path / "out", format="leaf").describe()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ({"missing": True}, r"f0001_41_00003\.png' is not in by_class\.zip"),
        ({"strange": b"no picture"}, "is not a readable PNG picture"),
        ({"strange": png(np.zeros((64, 64), np.uint8))}, r"has \(64, 64\) pixels"),
        ({"code": "21"}, "is of class 21"),
    ],
)
def test_what_is_wrong_is_named_and_leaves_nothing(nist, tmp_path, spoil, says):
    archives = nist(**spoil)
    with pytest.raises(DataError, match=says) as error:
        build_leaf(*archives, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["by_class.zip", "by_write.zip"]


def test_archives_swapped_or_damaged(nist, tmp_path):
    by_class, by_write = nist()
    with pytest.raises(DataError, match="holds no pictures in the layout"):
        build_leaf(by_write, by_class, tmp_path / "out")
    content = bytearray(by_write.read_bytes())
    content[len(content) // 3] ^= 0xFF
    by_write.write_bytes(content)
    with pytest.raises(DataError, match=r"by_write\.zip"):
        build_leaf(by_class, by_write, tmp_path / "out")
    by_class.write_bytes(by_class.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"by_class\.zip: cannot be read"):
        build_leaf(by_class, by_write, tmp_path / "out")


def test_a_folder_that_is_there_is_left_alone(nist, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="exists already"):
        build_leaf(*nist(), tmp_path / "out")


def test_other_archives_than_the_first_are_refused(nist, tmp_path):
    build_leaf(*nist(), tmp_path / "first")
    by_class, by_write = nist()
    with zipfile.ZipFile(by_write, "a") as archive:
        archive.writestr("changed", b"")
    with pytest.raises(DataError, match=r"by_write\.zip: is not the by_write\.zip that was used first"):
        build_leaf(by_class, by_write, tmp_path / "second")
    assert not (tmp_path / "second").exists()
    build_leaf(*nist(), tmp_path / "third")


def test_a_scan_that_is_a_bomb_is_refused(nist, tmp_path):
    by_class, by_write = nist()
    with zipfile.ZipFile(by_class, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("by_class/30/hsf_0/hsf_0_bomb.png", bytes(100_000_000))
    with pytest.raises(DataError, match=r"hsf_0_bomb\.png' has 100,000,000 bytes, too many for a scan"):
        build_leaf(by_class, by_write, tmp_path / "out")
