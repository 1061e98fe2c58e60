"""FedRTS: what a round says about each weight, the belief that grows of it, and the mask that is drawn from beliefs."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from minizerofl.choices import METHODS, UPLINKS
from minizerofl.fl import ConfigError, Context, SavedModel, Simulation, decode, evaluate, load_model, save_model
from minizerofl.fl.codecs import Schema
from minizerofl.fl.methods.fedrts import FedRts
from minizerofl.fl.methods.moving_mask import GROWN
from minizerofl.fl.payload import Kept
from minizerofl.fl.uplinks import ServerContext
from minizerofl.sparse.fixed import Active

Simulate = Callable[..., Simulation]
METHOD = {**METHODS["fedrts"].settings, "local_epochs": 1, "batch_size": 2, "lr_start": 0.15}


class Often(FedRts):
    """The mask moves after rounds 2 and 4."""

    every = 2
    until = 6


class Half(FedRts):
    """The mask moves after round 2, in which half of the active weights are in question."""

    every = 2
    until = 4
    alpha = 1.0


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    UPLINKS["often"] = Often
    yield
    del UPLINKS["often"]


def array(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def kept(positions: list[int], values: list[float]) -> Kept:
    return Kept((1, 8), np.array(positions, np.int32), np.array(values, np.float32))


def test_as_many_are_in_question_as_the_paper_says_and_none_from_round_300_on() -> None:
    uplink = FedRts({})
    for t in (1, 10, 150, 299):
        assert uplink.in_question(t, 1000) == int(200 * (1 + math.cos(math.pi * t / 300)))
    assert uplink.in_question(300, 1000) == uplink.in_question(400, 1000) == 0
    assert [t for t in range(321) if uplink.moves(t)] == list(range(10, 300, 10))


def test_clients_name_the_inactive_weights_with_the_largest_gradients() -> None:
    uplink = Half({"w": 0.5}, selection=Active())
    start = {"w": array(1, 1, 1, 1, 0, 0, 0, 0), "b": np.ones(1, np.float32)}
    end = {"w": array(2, -3, 4, 5, 0, 0, 0, 0), "b": np.ones(1, np.float32)}
    gradient = {"w": array(9, 9, 9, 9, 1, -4, 3, 2), "b": np.ones(1, np.float32)}
    sent = uplink.select(start, end, Context(2, gradient=lambda: gradient))["w"]
    np.testing.assert_array_equal(sent.positions, [0, 1, 2, 3, 5, 6])
    np.testing.assert_array_equal(sent.values, [2, -3, 4, 5, 0, 0])
    for t in (1, 3, 6):
        np.testing.assert_array_equal(uplink.select(start, end, Context(t))["w"].positions, [0, 1, 2, 3])


def test_beliefs_by_hand() -> None:
    """Two clients of 1 and 3 samples; of four active weights two are in question, and two are named."""
    uplink = Half({"w": 0.5}, selection=Active())
    state = {"w": array(1, 1, 1, 1, 0, 0, 0, 0)}
    sent = [(1, kept([0, 1, 2, 3, 4, 5], [4, 3, 2, 1, 0, 0])), (3, kept([0, 1, 2, 3, 5, 6], [1, 4, 2, 8, 0, 0]))]
    ctx = ServerContext(round=2)
    for samples, each in sent:
        uplink.count(state, ctx, {"w": each}, samples)
    ctx = replace(ctx, num_samples=4)
    mean = {"w": sum(samples / 4 * each.dense() for samples, each in sent).astype(np.float32)}
    new = uplink.apply(state, mean, ctx)["w"]
    # Cores: {0, 1} and {1, 3}; of the mean (1.75, 3.75, 2, 6.25): {1, 3}.
    x = array(0 + 1 / 8, 1 / 2 + 1 / 2, 0, 1 / 2 + 3 / 8, 1 / 4 + 1 / 8, 1 / 4 + 1 / 2, 1 / 4 + 3 / 8, 1 / 4)
    np.testing.assert_allclose(ctx.memory["a:w"], 1 + 10 * x)
    np.testing.assert_allclose(ctx.memory["b:w"], 1 + 10 * (1 - x))
    assert np.count_nonzero(new) == 4
    was = np.arange(8) < 4
    np.testing.assert_array_equal(new[0, was & (new[0] != 0)], mean["w"][0, was & (new[0] != 0)])
    np.testing.assert_array_equal(new[0, ~was & (new[0] != 0)], GROWN)


def test_between_moves_only_active_weights_are_judged_and_the_mask_stays() -> None:
    uplink = Often({"w": 0.5}, selection=Active())
    state = {"w": array(1, 1, 1, 1, 0, 0, 0, 0)}
    before = {"a:w": np.full((1, 8), 5, np.float32), "b:w": np.full((1, 8), 2, np.float32)}
    ctx = ServerContext(round=1, memory=dict(before))
    uplink.count(state, ctx, {"w": kept([0, 1, 2, 3], [4, 3, 2, 1])}, 5)
    new = uplink.apply(state, {"w": array(4, 3, 2, 0, 0, 0, 0, 0)}, replace(ctx, num_samples=5))
    np.testing.assert_array_equal(new["w"], array(4, 3, 2, GROWN, 0, 0, 0, 0))
    np.testing.assert_array_equal(ctx.memory["a:w"], array(15, 15, 15, 5, 5, 5, 5, 5))
    np.testing.assert_array_equal(ctx.memory["b:w"], array(2, 2, 2, 12, 2, 2, 2, 2))
    np.testing.assert_array_equal(before["a:w"], 5)  # what was remembered is not written to


def test_weights_with_better_beliefs_are_drawn_more_often() -> None:
    uplink = Often({"w": 0.5}, selection=Active())
    state = {"w": array(1, 1, 1, 1, 0, 0, 0, 0)}
    drawn = np.zeros(8)
    for seed in range(200):
        memory = {"a:w": array(9, 9, 9, 1, 9, 1, 1, 1) * 10, "b:w": array(1, 1, 1, 9, 1, 9, 9, 9) * 10}
        ctx = ServerContext(2, seed=seed, memory=memory, tally={"w": np.zeros((1, 8))}, num_samples=1)
        drawn += uplink.apply(state, {"w": state["w"]}, ctx)["w"][0] != 0
    assert drawn.sum() == 800
    assert drawn[[0, 1, 2, 4]].min() > 150 > 50 > drawn[[3, 5, 6, 7]].max()


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_the_mask_moves_when_it_should_and_a_resumed_run_remembers(simulate: Simulate, engine: str) -> None:
    settings = {**METHOD, "uplink": "often", "rounds": 6}
    run = simulate(**settings, workers=2, engine=engine)
    first = run.state["0.weight"]
    start = run.build_model().state_dict()["0.weight"]
    assert np.count_nonzero(first) == 40
    np.testing.assert_array_equal(first[first != 0], start[first != 0])
    before, moved = first != 0, 0
    for record in run.run():
        now = run.state["0.weight"] != 0
        assert now.sum() == 40
        assert record.kept["0.weight"] >= 0.2
        assert (record.uplink_parts.positions > 0) == (record.round in (2, 4))
        assert record.round in (2, 4) or np.array_equal(now, before)
        moved += int((now & ~before).sum())
        before = now
    assert moved > 0
    alone = simulate(**settings)
    rounds = alone.run()
    for _ in range(3):
        next(rounds)
    resumed, forgetful = simulate(**settings), simulate(**settings)
    for again in (resumed, forgetful):
        again.restore(alone.checkpoint())
    forgetful.server_memory = {}
    for again in (resumed, forgetful):
        list(again.run())
    assert all(np.array_equal(value, run.state[name]) for name, value in resumed.state.items())
    assert not np.array_equal(forgetful.state["0.weight"], run.state["0.weight"])


def test_a_clients_message_has_its_weights_and_what_it_names(simulate: Simulate) -> None:
    run = simulate(**{**METHOD, "uplink": "often"})
    turn = run.turn(2)
    update = turn.train(run.build_model(), "client3", run.data.train("client3"))
    sent = decode(update.message, Schema.of(run.state, run.uplink.known(run.state)))["0.weight"]
    inactive = run.state["0.weight"].reshape(-1)[sent.positions] == 0
    assert (sent.positions.size, inactive.sum()) == (52, 12)  # 40 active, and .4 / 2 (1 + cos(pi / 3)) of them named
    assert not sent.values[inactive].any()
    assert sent.values[~inactive].all()


def test_a_saved_model_computes_with_the_weights_of_the_run(simulate: Simulate, tmp_path) -> None:
    run = simulate(**{**METHOD, "uplink": "often"})
    *_, last = run.run()
    save_model(tmp_path / "model.h5", SavedModel(run.model_name, run.model_arguments, run.state, {}, run.setup))
    assert evaluate(load_model(tmp_path / "model.h5").build(), run.data.test()).accuracy == last.score.accuracy


@pytest.mark.parametrize(("setting", "value"), [("selection", "erk"), ("average", "senders"), ("server", "fedyogi")])
def test_settings_that_contradict_it_are_refused(simulate: Simulate, setting: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting} is '{value}', but uplink fedrts needs"):
        simulate(**{**METHOD, setting: value})
