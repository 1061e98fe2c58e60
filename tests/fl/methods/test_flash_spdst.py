"""FLASH-SPDST: layer densities that clients learn, and a random mask with them."""

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl import nn
from minizerofl.choices import METHODS
from minizerofl.fl import SavedModel, Simulation, evaluate, load_model, save_model
from minizerofl.fl.methods.flash_spdst import learn_densities, learn_masks, prune_and_grow, share_out
from minizerofl.fl.survey import Survey
from minizerofl.models import MODELS

Simulate = Callable[..., Simulation]
METHOD = dict(METHODS["flash-spdst"].settings)
NAMES = ("0.weight", "2.weight")


def deep_model(sparsity: float, seed: int) -> nn.Module:
    rng = np.random.default_rng(seed)
    first = nn.SparseLinear(10, 30, sparsity=sparsity, rng=rng)
    return nn.Sequential(first, nn.ReLU(), nn.SparseLinear(30, 3, sparsity=sparsity, rng=rng))


@pytest.fixture
def run(simulate: Simulate) -> Iterator[Simulation]:
    before, MODELS["tiny"] = MODELS["tiny"], deep_model
    yield simulate(**METHOD, sparsity=0.7)
    MODELS["tiny"] = before


def survey(run: Simulation) -> Survey:
    return Survey(run._construct, run.setup, run.build_model().state_dict(), run.data, run.settings)


numbers = st.integers(0, 60)


@given(st.lists(st.tuples(st.floats(0, 9), numbers), min_size=1, max_size=5), numbers)
def test_everything_is_shared_out_as_far_as_there_is_room(layers: list[tuple[float, int]], total: int) -> None:
    wish, room = ({str(i): layer[j] for i, layer in enumerate(layers)} for j in (0, 1))
    given_ = share_out(total, wish, room)
    assert sum(given_.values()) == min(total, sum(room.values()))
    assert all(0 <= given_[name] <= room[name] for name in wish)
    if all(wish.values()) and all(room[name] >= total for name in wish):  # nobody is short: in proportion
        whole = sum(wish.values())
        assert all(abs(given_[name] - total * wish[name] / whole) <= len(wish) for name in wish)


@given(st.floats(0, 1), st.integers(0, 9))
def test_the_smallest_are_pruned_and_layers_with_large_weights_grow(share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = {"small": 0.1 * rng.standard_normal(400), "large": rng.standard_normal(400)}
    masks = {name: np.sort(rng.permutation(400)[:100]).astype(np.int32) for name in weights}
    new = prune_and_grow(weights, masks, share, np.random.default_rng(seed))
    assert sum(at.size for at in new.values()) == 200
    for name, at in new.items():
        assert (np.diff(at) > 0).all()
        gone = np.setdiff1d(masks[name], at)
        spared = np.intersect1d(masks[name], at)
        assert gone.size <= np.ceil(share * 100)
        if gone.size and share < 0.5:  # a pruned weight may be drawn again, one that was spared cannot be gone
            assert np.abs(weights[name][gone]).max() <= np.sort(np.abs(weights[name][masks[name]]))[int(share * 100)]
        assert spared.size >= 100 - np.ceil(share * 100)
    assert share == 0 or new["large"].size > new["small"].size


def test_densities_are_the_mean_of_what_clients_end_with_and_masks_are_drawn_with_them(run: Simulation) -> None:
    asked = survey(run)
    densities = learn_densities(asked)
    samples = {client: run.data.num_train(client) for client in run.data.clients}
    masks = {client: learn_masks(asked, client) for client in samples}
    assert all(sum(at.size for at in each.values()) == 117 for each in masks.values())  # .3 of 300 + 90
    means = [
        {name: sum(samples[c] * masks[c][name].size for c in three) / sum(samples[c] for c in three) for name in NAMES}
        for three in combinations(samples, 3)
    ]
    sizes = {"0.weight": 300, "2.weight": 90}
    assert any(all(densities[n] == pytest.approx(mean[n] / sizes[n]) for n in NAMES) for mean in means)
    assert densities["2.weight"] > densities["0.weight"]  # its weights are larger at the beginning
    kept = run.rule.select({name: run.state[name] for name in NAMES}, {"0.weight": 90, "2.weight": 27})
    assert sum(at.size for at in kept.values()) == 117
    assert all(abs(kept[name].size - densities[name] * sizes[name]) <= 2 for name in NAMES)
    assert not np.array_equal(kept["0.weight"], masks["client0"]["0.weight"])


def test_training_begins_again_from_the_initial_weights_and_the_mask_stays(run: Simulation, tmp_path) -> None:
    start = run.build_model().state_dict()
    assert all(np.array_equal(run.state[name], value) for name, value in start.items())
    mask = run.masks()
    *_, last = run.run()
    for name in NAMES:
        np.testing.assert_array_equal(run.masks()[name], mask[name])
    assert last.uplink_parts.positions == 0  # values only
    save_model(tmp_path / "model.h5", SavedModel(run.model_name, run.model_arguments, run.state, {}, run.setup))
    assert evaluate(load_model(tmp_path / "model.h5").build(), run.data.test()).accuracy == last.score.accuracy
