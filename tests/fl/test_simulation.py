"""Whole runs of a tiny federation."""

import gc
import math
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import get_type_hints

import numpy as np
import pytest

from minizerofl.fl import (
    SERVERS,
    ConfigError,
    DivergedError,
    Evaluation,
    Round,
    Settings,
    Simulation,
    TooFewClientsError,
)
from minizerofl.fl.files.history import CLIENT_TIMING_COLUMNS, TIMING_COLUMNS, client_rows, history_row
from minizerofl.nn.paths import sparse_layers

Simulate = Callable[..., Simulation]


def without_times(rounds: list) -> list[tuple[dict, list[dict]]]:
    rows = [history_row(r, "synthetic") for r in rounds]
    return [
        (
            {name: value for name, value in row.items() if name not in TIMING_COLUMNS},
            [{**row, **dict.fromkeys(CLIENT_TIMING_COLUMNS)} for row in client_rows(r.round, r.outcomes, "synthetic")],
        )
        for r, row in zip(rounds, rows, strict=True)
    ]


def test_it_is_printed_as_a_line_though_its_data_has_no_name(simulate: Simulate) -> None:
    assert str(simulate()).startswith("simulation of tiny on TinyData: round 0 of 3, clients 5, 3 a round")


def test_the_number_of_workers_changes_nothing(simulate: Simulate) -> None:
    runs = [simulate(workers=workers, rounds=4) for workers in (1, 2, 3)]
    runs.append(simulate(workers=2, engine="processes", rounds=4))
    histories = [without_times(list(run.run())) for run in runs]
    assert all(history == histories[0] for history in histories)
    for run in runs[1:]:
        for name, value in runs[0].state.items():
            np.testing.assert_array_equal(run.state[name], value)


def test_it_learns(simulate: Simulate) -> None:
    rounds = list(simulate(rounds=30, local_epochs=3, lr_start=0.3, lr_end=0.1).run())
    assert rounds[-1].score.accuracy > 0.6
    assert rounds[-1].train_loss < rounds[0].train_loss


@pytest.mark.parametrize("uplink", ["full", "topk-weights", "diff-topk-weights", "topk-diff"])
def test_bytes_are_those_of_the_kept_entries(simulate: Simulate, uplink: str) -> None:
    (result,) = simulate(rounds=1, uplink=uplink, mask_ratio=0.1).run()
    whole = 4 * (20 * 10 + 20 + 3 * 20 + 3)
    sparse = 8 * 120 + 4 * 11 + 4 * (20 + 3 * 20 + 3)  # k = 1 - .5 + .1 of 200 weights; 11 row pointers
    head = 20 + 4 * 12  # of a message with four tensors
    assert result.dense_bytes == 3 * whole
    assert result.uplink_bytes <= 3 * (head + (whole if uplink == "full" else sparse))
    if uplink != "topk-diff":  # there, weights that did not change are not sent
        assert result.uplink_bytes == 3 * (head + (whole if uplink == "full" else sparse))


def test_evaluation_is_due_every_so_many_rounds_and_at_the_end(simulate: Simulate) -> None:
    rounds = list(simulate(rounds=5, eval_every=2, eval_samples=50).run())
    assert [r.score.samples for r in rounds] == [0, 50, 0, 50, 600]


def test_a_round_without_an_evaluation_has_numbers_that_are_not_a_number(simulate: Simulate) -> None:
    """A loop over the rounds needs no case for it: such a round is a gap in a picture, and an empty cell in a table."""
    assert {get_type_hints(Round)[name] for name in ("score", "dense_score", "validation")} == {Evaluation}
    rounds = list(simulate(rounds=4, eval_every=2, eval_dense=True).run())
    for kind in ("score", "dense_score"):
        scores = [getattr(r, kind) for r in rounds]
        assert [bool(score) for score in scores] == [False, True, False, True]
        for name in ("accuracy", "loss", "balanced_accuracy"):
            assert [math.isnan(getattr(score, name)) for score in scores] == [True, False, True, False]
    assert not any(r.validation for r in simulate(rounds=1, validation_samples=0).run())
    assert all(r.validation for r in simulate(rounds=1, validation_samples=5).run())
    cells = [history_row(r, "synthetic") for r in rounds]
    for column in ("test_samples", "test_accuracy", "test_loss_nats", "balanced_accuracy", "client_accuracy"):
        assert [row[column] == "" for row in cells] == [True, False, True, False]


def test_the_schedule_falls_from_start_to_end(simulate: Simulate) -> None:
    lrs = [r.lr for r in simulate(rounds=4, schedule_rounds=2, lr_start=0.4, lr_end=0.1).run()]
    np.testing.assert_allclose(lrs, [0.4, 0.2, 0.1, 0.1])


def test_clients_are_sampled_without_replacement_and_differ_by_round_and_seed(simulate: Simulate) -> None:
    chosen = [[r.clients for r in simulate(rounds=4, seed=seed).run()] for seed in (0, 1)]
    assert all(len(set(clients)) == 3 for run in chosen for clients in run)
    assert chosen[0] != chosen[1]
    assert len(set(chosen[0])) > 1


def test_a_run_that_diverges_says_so_and_keeps_the_last_good_state(simulate: Simulate, tiny_data: type) -> None:
    run = simulate(tiny_data(scale=1e20), rounds=5, lr_start=1e20, lr_end=1e20)
    with pytest.raises(DivergedError, match="lower the learning rate"):
        list(run.run())
    assert all(np.isfinite(value).all() for value in run.state.values())


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_step_that_diverges_keeps_the_state_before(simulate: Simulate, server: str) -> None:
    run = simulate(rounds=3, server=server, server_lr=1e300, eval_every=3)
    before = {name: value.copy() for name, value in run.state.items()}
    with pytest.raises(DivergedError, match=r"round 1: .* is not finite after the server's step; lower .*--server-lr"):
        list(run.run())
    assert (run.round, run.server_memory) == (0, {})
    for name, value in run.state.items():
        np.testing.assert_array_equal(value, before[name])


def test_too_few_clients_is_said_before_anything_runs(simulate: Simulate, tiny_data: type) -> None:
    with pytest.raises(TooFewClientsError, match=r"a round needs 3 clients .* has 2"):
        simulate(tiny_data(count=2))


def test_no_graph_outlives_a_round(simulate: Simulate, alive: Callable[[], int]) -> None:
    before = alive()
    for _ in simulate(rounds=3).run():
        pass
    assert alive() == before


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("sparsity", 1.5),
        ("sparsity", 1.0),
        ("mask_ratio", -0.1),
        ("rounds", 0),
        ("batch_size", 0),
        ("lr_start", float("nan")),
        ("lr_end", -1.0),
        ("seed", -1),
        ("uplink", "topk"),
    ],
)
def test_settings_out_of_range_are_named(setting: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{setting} .*{value}.*(expected|Known)"):
        Settings(**{setting: value})


@pytest.mark.long
def test_memory_does_not_grow_from_round_to_round(simulate: Simulate) -> None:
    rounds = simulate(rounds=100, eval_every=10, server="fedadam").run()
    held = []
    tracemalloc.start()
    try:
        for round in rounds:
            if round.round in (20, 100):
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] < held[0] + 60_000  # bytes; the states of 80 rounds alone have more than 88,000


def test_layers_take_the_path_that_the_settings_name(simulate: Simulate) -> None:
    assert simulate(sparsity=0.95).settings.dense_layers == "none"
    assert simulate(sparsity=0.1).settings.dense_layers == "0"  # a density above the built-in break-even
    ends = []
    for dense_layers, path in (("none", "sparse"), ("0", "dense")):
        run = simulate(rounds=1, dense_layers=dense_layers)
        assert [layer.path for layer in sparse_layers(run.build_model()).values()] == [path]
        list(run.run())
        ends.append(run.state)
    for name, value in ends[0].items():
        np.testing.assert_allclose(value, ends[1][name], rtol=1e-3, atol=1e-5)


def test_what_was_measured_decides_where_nothing_is_named(simulate: Simulate, tiny_data: type) -> None:
    settings = simulate(sparsity=0.1).settings  # names the layers, so that what is measured later changes nothing
    for given, expected in ((replace(settings, dense_layers="auto"), "none"), (settings, "0")):
        run = Simulation(tiny_data(), "tiny", given, break_even={"linear 10x20 batch 2": 0.95})
        assert run.settings.dense_layers == expected


def test_an_unknown_layer_is_named(simulate: Simulate) -> None:
    with pytest.raises(ConfigError, match=r"dense_layers is 'conv9': no sparse layer is called 'conv9', expected some"):
        simulate(dense_layers="conv9")
