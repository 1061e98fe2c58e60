"""One rule for a whole run: it trains, sends, evaluates and is counted; and the settings beside it do what they say."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest

from minizerofl.choices import RULES
from minizerofl.fl import ConfigError, SavedModel, Settings, Simulation, decode, evaluate, load_model, save_model
from minizerofl.fl.codecs import Schema
from minizerofl.fl.measures.masks import unpack
from minizerofl.models import MODELS
from minizerofl.nn.paths import sparse_layers
from minizerofl.sparse import Selection, count_kept
from minizerofl.sparse.selection import Positions

Simulate = Callable[..., Simulation]


class LastK(Selection):
    """The last entries of each layer: a rule that only this test knows."""

    def select(self, values: Mapping[str, np.ndarray], budget: Mapping[str, int]) -> dict[str, Positions]:
        return {n: np.arange(v.size - budget[n], v.size, dtype=np.int32) for n, v in values.items()}


@pytest.fixture(autouse=True)
def rule() -> Iterator[None]:
    RULES["last"] = LastK
    yield
    del RULES["last"]


def last(w: np.ndarray, k: int) -> np.ndarray:
    kept = np.zeros_like(w)
    kept.reshape(-1)[-k:] = w.reshape(-1)[-k:]
    return kept


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_a_rule_of_ones_own_trains_sends_evaluates_and_is_counted(simulate: Simulate, engine: str) -> None:
    run = simulate(rounds=1, selection="last", mask_ratio=0.1, masks_every=1, workers=2, engine=engine)
    start = run.state
    turn = run.turn(1)
    update = turn.train(run.build_model(), "client3", run.data.train("client3"))
    sent = decode(update.message, Schema.of(start))["0.weight"]
    np.testing.assert_array_equal(sent.positions, np.arange(80, 200))  # k = 1 - .5 + .1 of 200
    (round,) = run.run()
    assert round.kept["0.weight"] == pytest.approx(0.6)
    mask = unpack(run.masks()["0.weight"], (10, 20)).reshape(-1)
    np.testing.assert_array_equal(np.flatnonzero(mask), np.arange(100, 200))
    x, y = run.data.test()
    hidden = last(run.state["0.weight"], 100).T @ x.T + run.state["0.bias"][:, None]
    logits = run.state["2.weight"].T @ np.maximum(hidden, 0) + run.state["2.bias"][:, None]
    assert round.score.accuracy == pytest.approx(np.mean(logits.argmax(axis=0) == y), abs=1e-9)


@pytest.mark.long
@pytest.mark.parametrize("selection", list(RULES))
def test_every_rule_gives_the_same_result_with_one_worker_and_two(simulate: Simulate, selection: str) -> None:
    runs = [simulate(selection=selection, workers=workers, engine="processes") for workers in (1, 2)]
    for run in runs:
        assert len(list(run.run())) == 3
    for name, value in runs[0].state.items():
        np.testing.assert_array_equal(value, runs[1].state[name])


def test_a_random_mask_is_drawn_once_and_stays(simulate: Simulate) -> None:
    run = simulate(selection="random", mask_ratio=0.0, lr_start=0.5)
    before = run.masks()
    for _ in run.run():
        assert np.array_equal(run.masks()["0.weight"], before["0.weight"])
    # Where nobody sends the average is zero: only the drawn half of the weights is left.
    assert np.array_equal(run.state["0.weight"] != 0, unpack(before["0.weight"], (10, 20)))


def test_a_saved_model_keeps_its_rule(simulate: Simulate, tmp_path) -> None:
    run = simulate(selection="last", rounds=2)
    *_, round = run.run()
    saved = SavedModel(run.model_name, run.model_arguments, run.state, {}, run.setup)
    save_model(tmp_path / "model.h5", saved)
    assert evaluate(load_model(tmp_path / "model.h5").build(), run.data.test()).accuracy == round.score.accuracy


def test_dense_training_with_zerofl_uplink(simulate: Simulate) -> None:
    run = simulate(rounds=1, sparsity=0, uplink_sparsity=0.8, mask_ratio=0.1)
    dense = simulate(rounds=1, sparsity=0, uplink="full")
    start = run.build_model().state_dict()
    for name, value in dense.build_model().state_dict().items():
        np.testing.assert_array_equal(value, start[name])
    ours, full = (
        each.turn(1).train(each.build_model(), "client2", each.data.train("client2")) for each in (run, dense)
    )
    schema = Schema.of(run.state)
    sent, whole = decode(ours.message, schema)["0.weight"], decode(full.message, schema)["0.weight"]
    assert sent.positions.size == 60
    np.testing.assert_array_equal(sent.values, whole.reshape(-1)[sent.positions])


@pytest.mark.parametrize(("weights", "activations"), [(0.5, 0.0), (0.0, 0.5), (0.25, 0.75)])
def test_weights_and_activations_apart(simulate: Simulate, weights: float, activations: float) -> None:
    run = simulate(rounds=1, sparsity=0.5, weight_sparsity=weights, activation_sparsity=activations, uplink="full")
    x, y = run.data.train("client4")
    model, plain = run.build_model(), run.build_model()
    run.turn(1).train(model, "client4", (x[:2], y[:2]))  # one mini-batch
    w = plain[0].weight.numpy()
    order = np.argsort(-np.abs(w), axis=None, kind="stable")
    w.reshape(-1)[order[count_kept(200, weights) :]] = 0
    inputs = x[:2].T.copy()  # (10, 2)
    hidden = w.T @ inputs + plain[0].bias.data[:, None]
    logits = plain[2].weight.data.T @ np.maximum(hidden, 0) + plain[2].bias.data[:, None]
    p = np.exp(logits - logits.max(axis=0))
    p = p / p.sum(axis=0)
    p[y[:2], [0, 1]] -= 1
    dy = plain[2].weight.data @ (p / 2) * (hidden > 0)
    inputs.reshape(-1)[np.argsort(-np.abs(inputs), axis=None, kind="stable")[count_kept(20, activations) :]] = 0
    expected = run.state["0.weight"] - run.settings.lr_start * inputs @ dy.T
    np.testing.assert_allclose(model[0].weight.data, expected, atol=1e-6)


def test_momentum_and_weight_decay_reach_the_clients(simulate: Simulate) -> None:
    states = [
        simulate(rounds=1, uplink="full", local_epochs=2, **options)
        for options in ({}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1})
    ]
    for run in states:
        list(run.run())
    weights = [run.state["2.weight"] for run in states]
    assert all(not np.allclose(a, b) for i, a in enumerate(weights) for b in weights[:i])


@pytest.mark.parametrize(("init", "bound", "bias"), [("he-uniform", (6 / 10) ** 0.5, 0), ("torch", 10**-0.5, 10**-0.5)])
def test_other_initial_weights(simulate: Simulate, init: str, bound: float, bias: float) -> None:
    layer = simulate(init=init).build_model()[0]
    assert 0.9 * bound < np.abs(layer.weight.data).max() <= np.float32(bound)
    assert np.abs(layer.bias.data).max() <= bias
    np.testing.assert_array_equal(layer.weight.data, simulate(init=init).build_model()[0].weight.data)
    assert not np.array_equal(layer.weight.data, simulate(init=init, init_seed=1).build_model()[0].weight.data)


def test_a_selection_period_changes_the_result_but_not_with_workers(simulate: Simulate) -> None:
    runs = [simulate(selection_period=p, workers=w, lr_start=0.5) for p, w in ((1, 1), (3, 1), (3, 2))]
    for run in runs:
        list(run.run())
    first, *others = (run.state["0.weight"] for run in runs)
    assert not np.array_equal(first, others[0])
    np.testing.assert_array_equal(*others)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_sparsity": 1.0}, "weight_sparsity is 1.0, expected 0 <= weight_sparsity < 1"),
        ({"activation_sparsity": -0.1}, "activation_sparsity is -0.1, expected"),
        ({"uplink_sparsity": 2.0}, "uplink_sparsity is 2.0, expected"),
        ({"momentum": 1.0}, "momentum is 1.0, expected 0 <= momentum < 1"),
        ({"nesterov": True}, "nesterov is on, but momentum is 0"),
        ({"weight_decay": float("nan")}, "weight_decay is nan, expected a number, at least 0"),
        ({"selection_period": 0}, "selection_period is 0, expected at least 1"),
        ({"selection": "best"}, "selection"),
        ({"init": "zeros"}, "init"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings(**options)


@pytest.mark.parametrize("name", ["femnist_cnn", "resnet18"])
def test_the_models_of_the_paper_take_a_setup(name: str) -> None:
    settings = Settings(sparsity=0.9, weight_sparsity=0.5, activation_sparsity=0.25, selection="random")
    model = MODELS[name](sparsity=settings.built_sparsity, seed=0)
    settings.setup().apply(model)
    layers = sparse_layers(model).values()
    assert {(layer.sparsity, layer.activation_sparsity) for layer in layers} == {(0.5, 0.25)}


@pytest.mark.parametrize("selection", ["uniform", "erk", "fixed", "ssfl", "flash"])
def test_a_mask_that_both_ends_know_is_not_sent(simulate: Simulate, selection: str) -> None:
    run = simulate(selection=selection, mask_ratio=0.0, rounds=2)
    before = run.masks()
    first = run.state["0.weight"].copy()
    known = run.uplink.known(run.state)
    update = run.turn(1).train(run.build_model(), "client3", run.data.train("client3"))
    plain = Schema.of(run.state)
    assert len(update.message) == 20 + 12 * len(plain.shapes) + 4 * (100 + 20 + 60 + 3)  # values, and no positions
    sent = decode(update.message, Schema.of(run.state, known))["0.weight"]
    np.testing.assert_array_equal(sent.positions, np.flatnonzero(unpack(before["0.weight"], (10, 20))))
    initial, later = (each.downlink_parts for each in run.run())  # to three clients
    assert initial.whole == 3 * 4 * (200 + 20 + 60 + 3)
    assert (later.positions, later.values, later.whole) == (0, 3 * 4 * 100, 3 * 4 * (20 + 60 + 3))
    assert np.array_equal(run.masks()["0.weight"], before["0.weight"])
    assert not run.state["0.weight"][~unpack(before["0.weight"], (10, 20))].any()
    assert not np.array_equal(run.state["0.weight"], first)


def test_a_run_with_a_fixed_mask_goes_on_where_it_stopped(simulate: Simulate) -> None:
    whole, begun, resumed = (simulate(selection="fixed", mask_ratio=0.0, rounds=3) for _ in range(3))
    list(whole.run())
    for _, _round in zip(range(2), begun.run(), strict=False):
        pass
    resumed.restore(begun.checkpoint())
    list(resumed.run())
    np.testing.assert_array_equal(resumed.state["0.weight"], whole.state["0.weight"])


def test_blocks_are_trained_sent_and_counted_as_blocks(simulate: Simulate) -> None:
    run = simulate(selection="block-4", mask_ratio=0.1, rounds=1, masks_every=1)
    update = run.turn(1).train(run.build_model(), "client3", run.data.train("client3"))
    sent = decode(update.message, Schema.of(run.state))["0.weight"]
    assert (sent.block, sent.positions.size) == (4, 120)
    entries = simulate(mask_ratio=0.1, rounds=1).turn(1)
    other = entries.train(run.build_model(), "client3", run.data.train("client3"))
    assert len(other.message) - len(update.message) == 4 * (120 - 30)
    (round,) = run.run()
    assert round.kept["0.weight"] == pytest.approx(0.6)
    mask = unpack(run.masks()["0.weight"], (10, 20)).reshape(10, 5, 4)
    np.testing.assert_array_equal(mask.any(axis=2), mask.all(axis=2))
    assert mask.sum() == 100


def test_given_weights_and_a_mask_of_drawn_ones_contradict_each_other(simulate: Simulate, tiny_data) -> None:
    state = simulate().state
    settings = Settings(rounds=1, clients_per_round=2, selection="fixed", sparsity=0.5)
    with pytest.raises(ConfigError, match="largest as drawn"):
        Simulation(tiny_data(), "tiny", settings, initial=state)
    Simulation(tiny_data(), "tiny", Settings(rounds=1, clients_per_round=2, selection="uniform"), initial=state)
