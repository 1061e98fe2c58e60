"""Masks: packed and unpacked, overlaps against sets, and a file that is cut back with the run."""

import csv
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import SealError, Simulation
from minizerofl.fl.files.maskfile import MaskFile
from minizerofl.fl.measures.masks import count, jaccard, kept_masks, mean_jaccard, pack, union_density, unpack
from minizerofl.sparse import TopK

SIZE = 21
sets = st.sets(st.integers(0, SIZE - 1))


def _bits(chosen: set[int]) -> np.ndarray:
    return pack(np.array(sorted(chosen), np.int32), SIZE)


@given(sets)
def test_packed_and_unpacked(chosen: set[int]) -> None:
    mask = unpack(_bits(chosen), (3, 7))
    assert set(np.flatnonzero(mask)) == chosen
    assert count(_bits(chosen)) == len(chosen)
    with pytest.raises(ValueError, match="3 bytes"):
        unpack(_bits(chosen), (5, 5))


@given(st.lists(sets, min_size=1, max_size=5))
def test_overlap_is_that_of_the_sets(chosen: list[set[int]]) -> None:
    bits = [_bits(each) for each in chosen]
    assert union_density(bits, SIZE) == len(set().union(*chosen)) / SIZE
    pairs = [len(a & b) / len(a | b) if a | b else 1.0 for a, b in combinations(chosen, 2)]
    assert mean_jaccard(bits) == pytest.approx(sum(pairs) / len(pairs) if pairs else 1.0)
    assert jaccard(bits[0], bits[0]) == 1.0


def test_masks_are_those_of_the_largest_weights() -> None:
    w = np.random.default_rng(0).standard_normal((10, 10)).astype(np.float32)
    mask = unpack(kept_masks({"w": w, "b": np.zeros(3, np.float32)}, {"w": 0.8}, TopK())["w"], w.shape)
    assert mask.sum() == 20
    assert np.abs(w[mask]).min() > np.abs(w[~mask]).max()


def test_a_run_notes_its_masks_every_so_many_rounds(simulate: Callable[..., Simulation], tmp_path: Path) -> None:
    run = simulate(rounds=6, masks_every=2, mask_ratio=0.1)
    file = MaskFile(tmp_path, "synthetic")
    sizes = {name: run.state[name].size for name in run.sparse}
    for round in run.run():
        assert bool(round.client_overlap) == (round.round % 2 == 0)
        if run.masks_are_due(round.round):
            file.add(round.round, run.masks(), run.initial_masks, sizes, round.client_overlap)
            union, between = round.client_overlap["0.weight"]
            assert 0.6 <= union <= 1
            assert 0 <= between <= 1
    masks = file.load()
    assert list(masks) == [0, 2, 4, 6]
    rows = list(csv.DictReader((tmp_path / "overlap.csv").read_text().splitlines()))
    assert [row["round"] for row in rows] == ["2", "4", "6"]
    assert float(rows[0]["jaccard_initial"]) == float(rows[0]["jaccard_previous"])
    assert float(rows[2]["jaccard_previous"]) == jaccard(masks[6]["0.weight"], masks[4]["0.weight"])
    assert float(rows[2]["union_density"]) == union_density([each["0.weight"] for each in masks.values()], 200)
    assert {row["density"] for row in rows} == {"0.5"}

    file.cut(4)
    assert list(file.load()) == [0, 2, 4]
    assert (tmp_path / "overlap.csv").read_text().count("\n") == 3


def test_masks_are_appended(tmp_path: Path) -> None:
    """The parts of earlier rounds are not written again, so a late round costs what an early one costs."""
    file, before = MaskFile(tmp_path, "real"), b""
    for t in range(1, 6):
        file.add(t, {"w": _bits({t})}, {"w": _bits({0})}, {"w": SIZE}, {})
        content = file.path.read_bytes()
        assert content.startswith(before)
        before = content
    again = MaskFile(tmp_path, "real")
    file.path.write_bytes(before + b"half a part")
    again.cut(3)
    again.add(4, {"w": _bits({4})}, {"w": _bits({0})}, {"w": SIZE}, {})
    again.add(5, {"w": _bits({5})}, {"w": _bits({0})}, {"w": SIZE}, {})
    assert file.path.read_bytes() == before
    assert list(again.load()) == [0, 1, 2, 3, 4, 5]


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    file = MaskFile(tmp_path, "real")
    assert file.load() == {}
    file.add(1, {"w": _bits({1})}, {"w": _bits({2})}, {"w": SIZE}, {"w": (0.5, 0.25)})
    file.path.write_bytes(file.path.read_bytes()[:-1])
    with pytest.raises(SealError, match="damaged"):
        file.load()
