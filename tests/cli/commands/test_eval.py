"""`minizerofl eval`: what it takes, and that a directory and its model file are the same."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from minizerofl.fl import load_model, save_model
from minizerofl.fl.files.checkpoint import Checkpoints
from minizerofl.fl.files.modelfile import SEAL


def test_a_directory_and_its_model_file(finished_run, invoke):
    by_directory, by_file = (invoke("eval", path) for path in (finished_run.path, finished_run.path / "model.h5"))
    assert by_directory.exit_code == by_file.exit_code == 0
    assert by_directory.output == by_file.output


def test_no_samples_are_refused(finished_run, invoke):
    result = invoke("eval", finished_run.path, "--samples", 0)
    assert result.exit_code == 2
    assert "'--samples'" in result.output


def test_auto_is_no_source_here(finished_run, invoke):
    assert invoke("eval", finished_run.path, "--source", "auto").exit_code == 2


def test_there_is_nothing(tmp_path, invoke):
    for path in (tmp_path, tmp_path / "none.h5"):
        result = invoke("eval", path)
        assert result.exit_code == 3
        assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(("value", "message"), [(np.nan, "not finite (linear.weight"), (3e38, "the loss")])
def test_a_model_that_diverged_is_told_from_a_bad_one(finished_run, invoke, tmp_path, value, message):
    saved = load_model(finished_run.path / "model.h5")
    state = {name: array.copy() for name, array in saved.state.items()}
    *_, name = state
    state[name][:] = value
    state[name][::2] *= -1
    save_model(tmp_path / "model.h5", replace(saved, state=state))
    result = invoke("eval", tmp_path / "model.h5")
    assert result.exit_code == 5
    assert message in result.output.splitlines()[-1]
    assert "nan nats" not in result.output


def _header(saved) -> dict[str, object]:
    return {"name": saved.name, "arguments": dict(saved.arguments), "about": dict(saved.about), "setup": {}}


def _without(table, name):
    return {key: value for key, value in table.items() if key != name}


def _first(state, change):
    name = next(iter(state))
    return {**state, name: change(state[name])}


LONGEST = 60_000  # bytes that HDF5 takes as an attribute
CHANGES = {
    "no JSON": lambda header, state: ("{", state),
    "deep JSON": lambda header, state: ("[" * 100_000, state),
    "a list": lambda header, state: ([], state),
    "no header": lambda header, state: (None, state),
    "another model": lambda header, state: ({**header, "name": "resnet18"}, state),
    "no such model": lambda header, state: ({**header, "name": "resnet99"}, state),
    "a number for a name": lambda header, state: ({**header, "name": 5}, state),
    "a function of the system": lambda header, state: ({**header, "name": "os:system"}, state),
    "a text for an argument": lambda header, state: ({**header, "arguments": {"sparsity": "0.9"}}, state),
    "no arguments": lambda header, state: ({**header, "arguments": {}}, state),
    "an unknown argument": lambda header, state: (
        {**header, "arguments": {**header["arguments"], "colour": 1}},
        state,
    ),
    "many classes": lambda header, state: (
        {**header, "arguments": {**header["arguments"], "num_classes": 10**12}},
        state,
    ),
    "an unknown setup": lambda header, state: ({**header, "setup": {"colour": 1}}, state),
    "a wrong setup": lambda header, state: ({**header, "setup": {"selection": "best"}}, state),
    "no description": lambda header, state: (_without(header, "about"), state),
    "no data set": lambda header, state: ({**header, "about": _without(header["about"], "dataset")}, state),
    "a text for rounds": lambda header, state: ({**header, "about": {**header["about"], "rounds": "x"}}, state),
    "a number for classes": lambda header, state: ({**header, "about": {**header["about"], "class_names": 3}}, state),
    "a text for options": lambda header, state: ({**header, "about": {**header["about"], "options": "x"}}, state),
    "one array less": lambda header, state: (header, dict(list(state.items())[1:])),
    "one array more": lambda header, state: (header, {**state, "more": np.zeros(3, np.float32)}),
    "another shape": lambda header, state: (header, _first(state, lambda value: value[..., None])),
    "float64": lambda header, state: (header, _first(state, np.float64)),
    "whole numbers": lambda header, state: (header, _first(state, lambda value: value.astype(np.int32))),
    "texts": lambda header, state: (header, _first(state, lambda value: np.full(value.shape, b"x"))),
    "nothing": lambda header, state: (header, {}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_model_file_that_is_sealed_but_wrong_is_refused_in_one_line(what, finished_run, invoke, tmp_path):
    saved = load_model(finished_run.path / "model.h5")
    header, state = CHANGES[what](_header(saved), saved.state)

    def fill(file):
        if header is not None:
            file.attrs["model"] = (header if isinstance(header, str) else json.dumps(header))[:LONGEST]
        for name, value in state.items():
            file[name] = value

    SEAL.write(tmp_path / "m.h5", fill)
    result = invoke("eval", tmp_path / "m.h5")
    assert result.exit_code == 3, result.output
    assert len(result.output.splitlines()) == 1
    assert "internal" not in result.output


@pytest.mark.posix
def test_what_is_no_file_is_refused_at_once(invoke, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(50 * 10**9)
    with (tmp_path / "sealed").open("wb") as file:
        file.write(SEAL.magic)
        file.truncate(50 * 10**9)
    for path in (tmp_path / "fifo", "/dev/zero", "/dev/null", tmp_path / "sparse", tmp_path / "sealed"):
        result = invoke("eval", path)
        assert (result.exit_code, len(result.output.splitlines())) == (3, 1), result.output


def test_the_best_says_that_a_newer_checkpoint_is_damaged(finished_run, invoke, tmp_path):
    run = shutil.copytree(finished_run.path, tmp_path / "run")
    assert "Note" not in invoke("eval", run, "--best").output
    newest, older = Checkpoints(run / "checkpoints").paths()[:2]
    newest.write_bytes(newest.read_bytes()[:-1])
    result = invoke("eval", run, "--best")
    assert result.exit_code == 0, result.output
    assert f"Note: {newest}: damaged" in result.output
    assert "best of the rounds up to 1;" in result.output
    older.unlink()
    assert invoke("eval", run, "--best").exit_code == 3
