"""`train --mask-from`: only the weights that another run has kept are trained, from the beginning."""

import shutil
import tomllib

import numpy as np
import pytest

from minizerofl.export.reading import weights_digest
from minizerofl.fl import load_model
from minizerofl.fl.measures.masks import model_masks


@pytest.fixture
def other(finished_run, tmp_path):
    """The model of a finished run."""
    return shutil.copy(finished_run.path / "model.h5", tmp_path / "other.h5")


def test_a_run_begins_with_drawn_weights_at_the_mask_and_its_config_makes_it_again(other, train):
    run, said = train("--mask-from", other, "--init", "he-uniform")
    assert f"Mask: that of {other} (SHA-256 {weights_digest(other)[:8]}...)" in said
    config = tomllib.loads((run / "config.toml").read_text())
    assert config["run"]["mask_from"] == str(other)
    assert config["model"]["mask_sha256"] == weights_digest(other)
    assert config["settings"]["selection"] == "active"
    first, last = load_model(run / "initial.h5").state, load_model(run / "model.h5").state
    masks = model_masks(load_model(other).build())
    assert masks
    for name, positions in masks.items():
        for weights in (first[name], last[name]):
            np.testing.assert_array_equal(np.flatnonzero(weights), positions)
        bound = np.sqrt(6 / (first[name].size // first[name].shape[-1]))  # he-uniform was drawn
        assert 0.8 * bound < np.abs(first[name]).max() <= bound
        assert not np.array_equal(first[name], last[name])
    rows = (run / "history.csv").read_text().splitlines()
    column = rows[0].split(",").index("uplink_positions_bytes")
    assert {row.split(",")[column] for row in rows[1:]} == {"0"}  # both ends know the mask
    again, _ = train("--config", run / "config.toml")
    assert all(np.array_equal(value, last[name]) for name, value in load_model(again / "model.h5").state.items())
    shutil.copy(run / "model.h5", other)
    _, said = train("--config", run / "config.toml", code=2)
    assert "model.mask_sha256 of the config file" in said.splitlines()[-1]


def test_resume_needs_no_file_and_gives_the_same_bits(other, train, invoke):
    whole, _ = train("--mask-from", other, "--rounds", 3, "--masks-every", 1)
    part, _ = train("--mask-from", other, "--rounds", 3, "--masks-every", 1)
    for rounds in (3, 2, 1):
        (part / "checkpoints" / f"round-{rounds:06}.h5").unlink(missing_ok=True)
    other.unlink()
    result = invoke("resume", part)
    assert result.exit_code == 0, result.output
    for name in ("model.h5", "masks.h5"):
        assert (whole / name).read_bytes() == (part / name).read_bytes(), name


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--selection", "block-8"), 2, "--mask-from needs --selection active, not block-8"),
        (("--method", "random-mask"), 2, "--mask-from needs --selection active, not erk"),
        (("--sparsity", "0.99"), 2, "weights, but sparsity 0.99 allows"),
        (("--model", "mlp"), 2, "this run's model does not have"),
    ],
)
def test_what_does_not_fit_leaves_no_run(other, train, arguments, code, said):
    run, output = train("--mask-from", other, *arguments, code=code)
    assert run is None
    assert said in output.splitlines()[-1]


def test_a_file_that_is_no_model_is_refused(train, tmp_path):
    (tmp_path / "wrong.h5").write_bytes(b"nothing")
    _, output = train("--mask-from", tmp_path / "wrong.h5", code=3)
    assert "wrong.h5" in output.splitlines()[-1]
