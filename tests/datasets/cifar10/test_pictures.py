"""Random crop and flip: seeded, a copy, each picture moved as a whole, and what it promises about its sizes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_datasets import load
from minizerofl_datasets.cifar10.pictures import PAD, crop_and_flip


def placements(picture):
    """Every picture that a crop and flip may make of one."""
    padded = np.pad(picture, ((0, 0), (PAD, PAD), (PAD, PAD)))
    height, width = picture.shape[1:]
    for row in range(2 * PAD + 1):
        for column in range(2 * PAD + 1):
            crop = padded[:, row : row + height, column : column + width]
            yield (row, column, False), crop
            yield (row, column, True), crop[:, :, ::-1]


@given(st.integers(0, 2**32), st.integers(0, 5))
def test_each_picture_is_one_of_its_placements(seed, n):
    x = np.random.default_rng(seed).random((n, 2, 6, 7), dtype=np.float32)
    before = x.copy()
    out = crop_and_flip(x, np.random.default_rng(seed))
    assert (out.shape, out.dtype) == (x.shape, np.float32)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(out, crop_and_flip(x, np.random.default_rng(seed)))
    for picture, moved in zip(x, out, strict=True):
        assert any(np.array_equal(moved, placed) for _, placed in placements(picture))


def test_every_shift_and_flip_comes_about_equally_often():
    picture = np.random.default_rng(0).random((1, 9, 9), dtype=np.float32) + 1
    moved = crop_and_flip(np.repeat(picture[None], 6000, axis=0), np.random.default_rng(1))
    names = {placed.tobytes(): where for where, placed in placements(picture)}
    seen = [names[each.tobytes()] for each in moved]
    counts = np.unique(np.array(seen), axis=0, return_counts=True)[1]
    assert len(counts) == 162
    assert counts.max() < 75  # 37 expected, standard deviation 6


def test_the_data_set_augments_if_it_is_told_to():
    x = np.random.default_rng(0).random((8, 3, 32, 32), dtype=np.float32)
    on, off = (load("cifar10", source="synthetic", augment=augment) for augment in (True, False))
    assert off.augment(x, np.random.default_rng(0)) is x
    assert not np.array_equal(on.augment(x, np.random.default_rng(0)), x)
    assert (on.transform["augmentation"] == "none", off.transform["augmentation"]) == (False, "none")
