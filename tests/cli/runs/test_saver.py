"""Checkpoints are written beside the rounds; what keeps one from being written is not lost."""

import threading

import numpy as np
import pytest

from minizerofl.fl import Checkpoint
from minizerofl.fl.files.checkpoint import Checkpoints, read_checkpoint
from minizerofl_cli.runs.saver import Saver


class Slow(dict):
    """A state that is read only when it may be."""

    def __init__(self, **arrays: np.ndarray) -> None:
        super().__init__(arrays)
        self.free = threading.Event()

    def values(self):
        assert self.free.wait(60)
        return super().values()


def test_nobody_waits_for_a_checkpoint_but_the_next_one(tmp_path):
    checkpoints, state = Checkpoints(tmp_path / "checkpoints"), Slow(w=np.ones(3))
    saver = Saver(checkpoints, 0)
    saver.save(Checkpoint(1, state))  # it would hang here
    assert checkpoints.paths() == []
    threading.Timer(0.1, state.free.set).start()
    saver.save(Checkpoint(2, {"w": np.zeros(3)}))
    assert checkpoints.path(1) in checkpoints.paths()
    saver.wait()
    assert [read_checkpoint(path).round for path in checkpoints.paths()] == [2, 1]


def test_what_is_saved_already_is_not_saved_again(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    saver = Saver(checkpoints, 3)
    saver.save(Checkpoint(3, {}))
    saver.wait()
    assert checkpoints.paths() == []


@pytest.mark.parametrize("again", ["save", "wait"])
def test_what_could_not_be_written_is_said_once_and_may_be_saved_again(tmp_path, again):
    (tmp_path / "checkpoints").write_text("in the way")
    checkpoint, saver = Checkpoint(1, {"w": np.ones(3)}), Saver(Checkpoints(tmp_path / "checkpoints"), 0)
    saver.save(checkpoint)
    with pytest.raises(FileExistsError):
        saver.save(Checkpoint(2, {})) if again == "save" else saver.wait()
    (tmp_path / "checkpoints").unlink()
    saver.save(checkpoint)
    saver.wait()
    assert read_checkpoint(tmp_path / "checkpoints" / "round-000001.h5").round == 1


def test_no_thread_is_left(tmp_path):
    before = set(threading.enumerate())
    saver = Saver(Checkpoints(tmp_path), 0)
    for round in range(1, 4):
        saver.save(Checkpoint(round, {}))
    saver.wait()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)  # it ends just after its work is done
        assert not thread.is_alive()
