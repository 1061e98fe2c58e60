"""`minizerofl eval`: what it takes, and that a directory and its model file are the same."""

from dataclasses import replace

import numpy as np
import pytest

from minizerofl.fl import load_model, save_model


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


@pytest.mark.parametrize(("value", "message"), [(np.nan, "not finite (linear2.weight"), (3e38, "the loss")])
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
