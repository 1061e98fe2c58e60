"""FedDST: pruning and growing at the clients, the mean over those that hold a weight, and magnitude at the server."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.choices import METHODS, UPLINKS
from minizerofl.fl import ConfigError, Context, SavedModel, Simulation, evaluate, load_model, save_model
from minizerofl.fl.methods.feddst import FedDst, FedDstAsPublished
from minizerofl.fl.methods.moving_mask import GROWN
from minizerofl.fl.payload import Kept
from minizerofl.fl.uplinks import ServerContext
from minizerofl.sparse.fixed import Active, erk_budget

Simulate = Callable[..., Simulation]
METHOD = {**METHODS["feddst"].settings, "local_epochs": 1, "batch_size": 2, "lr_start": 0.15}


class Often(FedDst):
    """Masks change in every second round, and much."""

    every = 2
    alpha = 0.8


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    UPLINKS["often"] = Often
    yield
    del UPLINKS["often"]


@given(st.integers(0, 99), st.floats(0, 1))
def test_the_smallest_are_pruned_and_the_largest_gradients_grow(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    w = np.where(rng.random((6, 8)) < 0.4, rng.standard_normal((6, 8)), 0).astype(np.float32)
    gradient = rng.standard_normal((6, 8)).astype(np.float32)
    new = FedDst({}).regrow(w, gradient, share)
    pruned = min(int(share * np.count_nonzero(w)), 48)
    kept, grown = (w != 0) & (new == w), new == GROWN
    assert grown.sum() == pruned
    assert np.count_nonzero(new) == np.count_nonzero(w) == kept.sum() + pruned
    if pruned and kept.any():
        assert np.abs(w[kept]).min() >= np.abs(w[(w != 0) & ~kept]).max()
    if pruned and not (kept | grown).all():
        assert np.abs(gradient[grown]).min() >= np.abs(gradient[~kept & ~grown]).max()


def test_as_published_growing_sets_trained_weights_to_zero() -> None:
    w = np.array([5.0, 4.0, 3.0, 1.0, 0.0, 0.0], np.float32)
    gradient = np.array([9.0, 0.1, 0.1, 0.1, 3.0, 2.0], np.float32)
    np.testing.assert_array_equal(FedDst({}).regrow(w, gradient, 0.5), [5, 4, 0, 0, GROWN, GROWN])
    np.testing.assert_array_equal(FedDstAsPublished({}).regrow(w, gradient, 0.5), [GROWN, 4, 0, 0, GROWN, 0])


def test_the_share_falls_to_zero_over_half_of_the_schedule_and_as_published_it_does_not() -> None:
    uplink, published = FedDst({}), FedDstAsPublished({})
    shares = {t: uplink.share(Context(t, schedule=100)) for t in range(101)}
    assert {t for t, share in shares.items() if share} == {10, 20, 30, 40}
    for t in (10, 20, 30, 40):
        assert shares[t] == pytest.approx(0.005 * (1 + math.cos(math.pi * t / 50)))
        assert published.share(Context(t, schedule=100)) == 0.01
    assert published.share(Context(50, schedule=100)) == published.share(Context(11, schedule=100)) == 0


def test_the_server_averages_over_holders_and_keeps_the_largest() -> None:
    uplink = FedDst({"w": 0.5}, selection=Active())
    state = {"w": np.array([[1.0, 1.0, 1.0, 0.0, 0.0, 0.0]], np.float32), "b": np.zeros(1, np.float32)}
    sent = [(1, [0, 1, 4], [4.0, 2.0, GROWN]), (3, [0, 5], [8.0, GROWN]), (1, [0, 2, 3], [6.0, -0.5, GROWN])]
    ctx, average = ServerContext(), {"w": np.zeros((1, 6)), "b": np.ones(1)}
    for samples, positions, values in sent:
        kept = Kept((1, 6), np.array(positions, np.int32), np.array(values, np.float32))
        uplink.count(state, ctx, {"w": kept, "b": np.ones(1)}, samples)
        average["w"] += samples / 5 * kept.dense()
    average = {name: value.astype(np.float32) for name, value in average.items()}
    new = uplink.apply(state, average, replace(ctx, num_samples=5))
    np.testing.assert_allclose(new["w"], [[6.8, 2.0, -0.5, 0, 0, 0]], rtol=1e-6)
    state["w"] = average["w"] = np.where([[1, 1, 0, 1, 1, 1]], average["w"], 0).astype(np.float32)
    ctx.tally["w"][0, 2] = 0
    new = uplink.apply(state, average, replace(ctx, num_samples=5))
    np.testing.assert_allclose(new["w"], [[6.8, 2.0, 0, 0, 0, GROWN]], rtol=1e-6)  # of the grown, that of 3 samples
    np.testing.assert_array_equal(new["b"], 1)


def test_the_first_mask_has_the_largest_initial_weights(simulate: Simulate) -> None:
    run = simulate(**METHOD)
    start = run.build_model().state_dict()["0.weight"]
    kept = run.state["0.weight"] != 0
    assert kept.sum() == 40
    assert np.abs(start[kept]).min() >= np.abs(start[~kept]).max()
    np.testing.assert_array_equal(run.state["0.weight"][kept], start[kept])
    shapes = {"a": (3, 3, 3, 8), "b": (40, 50)}
    sizes = FedDst({"a": 0.9, "b": 0.9}).sizes({name: np.zeros(shape) for name, shape in shapes.items()})
    assert sizes == erk_budget(shapes, 22 + 200)


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_masks_change_when_they_should_and_positions_are_sent_only_then(simulate: Simulate, engine: str) -> None:
    settings = {**METHOD, "uplink": "often", "rounds": 6, "schedule_rounds": 30}
    run = simulate(**settings, workers=2, engine=engine)
    before, grown = run.state["0.weight"] != 0, 0
    for record in run.run():
        now = run.state["0.weight"] != 0
        assert now.sum() == 40
        adjusting = record.round % 2 == 0
        assert (record.uplink_parts.positions > 0) == adjusting
        assert adjusting or np.array_equal(now, before)
        grown += int((now & ~before).sum())
        before = now
    assert grown > 0
    alone = simulate(**settings)
    rounds = alone.run()
    for _ in range(3):
        next(rounds)
    resumed = simulate(**settings)
    resumed.restore(alone.checkpoint())
    list(resumed.run())
    assert all(np.array_equal(value, run.state[name]) for name, value in resumed.state.items())


def test_a_saved_model_computes_with_the_weights_of_the_run(simulate: Simulate, tmp_path) -> None:
    run = simulate(**{**METHOD, "uplink": "often"})
    *_, last = run.run()
    save_model(tmp_path / "model.h5", SavedModel(run.model_name, run.model_arguments, run.state, {}, run.setup))
    assert evaluate(load_model(tmp_path / "model.h5").build(), run.data.test()).accuracy == last.score.accuracy


@pytest.mark.parametrize(
    ("setting", "value"),
    [("selection", "erk"), ("average", "senders"), ("server", "fedadam"), ("downlink_values", "int8")],
)
@pytest.mark.parametrize("method", ["feddst", "feddst-as-published"])
def test_settings_that_contradict_it_are_refused(simulate: Simulate, method: str, setting: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{setting} is '{value}', but uplink {method} needs"):
        simulate(**{**METHODS[method].settings, setting: value})


@pytest.mark.parametrize("values", ["float16", "int8"])
def test_rounded_values_keep_the_mask(simulate: Simulate, values: str) -> None:
    run = simulate(**{**METHOD, "uplink": "often"}, schedule_rounds=9, values=values)
    for _ in run.run():
        assert np.count_nonzero(run.state["0.weight"]) == 40
