"""Checkpoints: what is needed to go on, whole or refused; and a run that goes on as if it had never stopped."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minizerofl.fl import Best, Checkpoint, CheckpointError, Checkpoints, Simulation
from minizerofl.fl.files.checkpoint import differences, read_checkpoint, write_checkpoint
from minizerofl.fl.files.history import TIMING_COLUMNS, history_row

Simulate = Callable[..., Simulation]
STATE = {"w.b": np.arange(6, dtype=np.float32).reshape(2, 3), "a/b": np.ones(2, np.float32)}
MEMORY = {"server": {"m": np.full(3, 0.5)}, "client:../x y": {"w": np.zeros((1, 2), np.float32)}, "client:z": {}}


def _equal(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    return list(one) == list(two) and all(
        one[name].dtype == two[name].dtype and np.array_equal(one[name], two[name]) for name in one
    )


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    config = {"settings": {"seed": 3, "lr_start": 0.1, "uplink": "full"}}
    write_checkpoint(tmp_path / "c.h5", Checkpoint(7, STATE, MEMORY, Best(5, 0.25), config))
    again = read_checkpoint(tmp_path / "c.h5")
    assert (again.round, again.best, again.config) == (7, Best(5, 0.25), config)
    assert _equal(again.state, STATE)
    assert list(again.memory) == list(MEMORY)
    assert all(_equal(again.memory[part], MEMORY[part]) for part in MEMORY)


def test_a_thousand_damages_are_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c.h5", Checkpoint(7, STATE, MEMORY))
    content = (tmp_path / "c.h5").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(1000):
        damaged = bytearray(content)
        if rng.random() < 0.3:
            del damaged[int(rng.integers(len(content))) :]
        else:
            places = rng.integers(0, len(content), int(rng.integers(1, 20)))
            places[(places >= 60) & (places < 512)] = 0  # padding of the header, which means nothing
            for place in places:
                damaged[place] ^= int(rng.integers(1, 256))
        (tmp_path / "d.h5").write_bytes(damaged)
        try:
            read_checkpoint(tmp_path / "d.h5")
        except CheckpointError:
            refused += 1
        else:
            refused += bytes(damaged) == content  # one place was changed twice, back to what it was
    assert refused == 1000


def test_the_two_newest_and_the_best_stay(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for round, best in ((1, 1), (2, 2), (3, 2), (4, 2), (5, 5), (6, 5), (7, 5), (8, 5)):
        checkpoints.save(Checkpoint(round, STATE, best=Best(best, 0.1 * best)))
        kept = {int(path.stem[-6:]) for path in checkpoints.paths()}
        assert kept == {best, round, *([round - 1] if round > 1 else [])}


def test_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.newest() == (None, [])
    for round in (1, 2):
        checkpoints.save(Checkpoint(round, STATE))
    newest, _ = checkpoints.paths()
    newest.write_bytes(newest.read_bytes()[:-1])
    checkpoint, problems = checkpoints.newest()
    assert checkpoint is not None
    assert checkpoint.round == 1
    assert len(problems) == 1
    assert "round-000002.h5: damaged" in problems[0]
    checkpoints.forget_after(1)
    assert len(checkpoints.paths()) == 1


def test_a_save_that_fails_loses_nothing(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(Checkpoint(1, STATE))
    (tmp_path / "round-000002.h5.part").mkdir()
    with pytest.raises(OSError, match=r"\.part"):
        checkpoints.save(Checkpoint(2, STATE))
    (tmp_path / "round-000002.h5.part").rmdir()
    checkpoint, problems = checkpoints.newest()
    assert checkpoint is not None
    assert (checkpoint.round, problems) == (1, [])


def test_differences_are_named() -> None:
    before = {"a": {"x": 1, "y": "old"}, "b": {"z": 0.5}}
    assert differences(before, before) == []
    now = {"a": {"x": 1, "y": "new", "new": 2}}
    assert differences(before, now) == ["a.y: 'old' -> 'new'", "b.z: 0.5 -> (none)", "a.new: (none) -> 2"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"server": "fedadam", "uplink": "topk-diff", "codec": "rice"},
        {"uplink": "topk-diff-feedback", "mask_ratio": 0.0, "eval_every": 2},
    ],
    ids=["plain", "server with memory", "clients with memory"],
)
def test_a_run_that_went_on_is_a_run_that_never_stopped(simulate: Simulate, tmp_path: Path, settings: dict) -> None:
    straight = simulate(rounds=6, **settings)
    rows = [history_row(round, "synthetic") for round in straight.run()]

    resumed, again = simulate(rounds=6, **settings), []
    for stop in (1, 3, 4, 6):
        for round in resumed.run():
            again.append(history_row(round, "synthetic"))
            if round.round == stop:
                break
        write_checkpoint(tmp_path / "c.h5", resumed.checkpoint())
        resumed = simulate(rounds=6, workers=2, engine="processes", **settings)
        resumed.restore(read_checkpoint(tmp_path / "c.h5"))

    assert [row["round"] for row in again] == [1, 2, 3, 4, 5, 6]
    for row in (*rows, *again):
        for column in TIMING_COLUMNS:
            row.pop(column, None)
    assert rows == again
    assert _equal(straight.state, resumed.state)
    assert straight.best == resumed.best
    assert straight.checkpoint().memory.keys() == resumed.checkpoint().memory.keys()
    for part, memory in straight.checkpoint().memory.items():
        assert _equal(memory, resumed.checkpoint().memory[part])


def test_another_models_checkpoint_is_refused(simulate: Simulate) -> None:
    with pytest.raises(CheckpointError, match="round 4 belongs to another model than tiny"):
        simulate().restore(Checkpoint(4, STATE))


def test_validation_alone_chooses_the_best(simulate: Simulate) -> None:
    run = simulate(rounds=8, lr_start=0.4, lr_end=0.4)
    accuracies = [round.validation.accuracy for round in run.run()]
    assert run.best == Best(1 + accuracies.index(max(accuracies)), max(accuracies))
    without = simulate(rounds=2, validation_samples=0)
    assert [bool(round.validation) for round in without.run()] == [False, False]
    assert without.best is None
