"""`train --init-from`: where the run begins, what it notes, and that resume and sweep know it."""

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minizerofl.export.reading import weights_digest
from minizerofl.fl import Settings, load_model
from minizerofl_cli.runs.plan import Plan


@pytest.fixture
def trained(finished_run, tmp_path):
    """The weights of a finished run, as a .npz file."""
    return shutil.copy(finished_run.path / "model.h5", tmp_path / "first.h5")


def test_the_title_of_a_picture_names_the_weights():
    known = ("femnist", "auto", None, "ink", 0, None, "quick", Settings())
    plan = Plan(*known, workers=1, runs_dir=Path("runs"), init_sha256="ab" * 32)
    assert plan.title("real").endswith(", from weights abababab")
    assert "from weights" not in replace(plan, init_sha256="").title("real")


def same(one, two):
    return all(np.array_equal(one[name], two[name]) for name in one)


def test_a_run_begins_with_the_weights_and_notes_them(trained, train, tmp_path):
    run, said = train("--init-from", trained, "--masks-every", 2)
    assert f"Initial weights: {trained} (SHA-256 {weights_digest(trained)[:8]}...)" in said
    assert same(load_model(run / "initial.h5").state, load_model(trained).state)
    config = tomllib.loads((run / "config.toml").read_text())
    assert config["run"]["init_from"] == str(trained)
    assert config["model"]["init_sha256"] == weights_digest(trained)
    other, _ = train()
    assert not same(load_model(run / "model.h5").state, load_model(other / "model.h5").state)
    assert "init_sha256" not in (other / "config.toml").read_text()
    assert not (other / "initial.h5").exists()


@pytest.mark.long
def test_an_export_gives_the_same_run_as_the_model_file(trained, train, invoke, tmp_path):
    assert invoke("export", trained, "--to", "npz", "--dense", "-o", tmp_path / "a.npz").exit_code == 0
    one, _ = train("--init-from", trained)
    two, _ = train("--init-from", tmp_path / "a.npz")
    assert same(load_model(one / "model.h5").state, load_model(two / "model.h5").state)


@pytest.mark.long
def test_resume_needs_no_file_and_gives_the_same_bits(trained, train, invoke, tmp_path):
    whole, _ = train("--init-from", trained, "--rounds", 3, "--masks-every", 1)
    part, _ = train("--init-from", trained, "--rounds", 3, "--masks-every", 1)
    for rounds in (3, 2, 1):  # killed before its first checkpoint, if none is left
        (part / "checkpoints" / f"round-{rounds:06}.h5").unlink(missing_ok=True)
    trained = tmp_path / "first.h5"
    trained.unlink()
    result = invoke("resume", part)
    assert result.exit_code == 0, result.output
    for name in ("model.h5", "masks.h5", "overlap.csv"):
        assert (whole / name).read_bytes() == (part / name).read_bytes(), name
    (part / "initial.h5").unlink()
    result = invoke("resume", part, "--extend-rounds", 1)
    assert result.exit_code == 3
    assert "initial.h5: cannot be read" in result.output


@pytest.mark.long
def test_the_config_of_a_run_makes_it_again_or_says_that_the_weights_have_changed(trained, train, finished_run):
    run, _ = train("--init-from", trained)
    again, _ = train("--config", run / "config.toml")
    assert same(load_model(run / "model.h5").state, load_model(again / "model.h5").state)
    shutil.copy(run / "model.h5", trained)
    _, said = train("--config", run / "config.toml", code=2)
    assert "model.init_sha256 of the config file" in said.splitlines()[-1]


def test_a_sweep_tells_initial_weights_apart(trained, invoke, small, tmp_path):
    options = "\n".join(f"{small[i][2:]} = {small[i + 1] if small[i + 1].isdigit() else repr(small[i + 1])}"
                        for i in range(0, len(small), 2))  # fmt: skip
    (tmp_path / "s.toml").write_text(f"{options}\ninit_from = ['{trained}']\n")
    sweep = ("sweep", tmp_path / "s.toml", "--runs-dir", tmp_path / "runs")
    assert invoke(*sweep).exit_code == 0
    assert "done before, skipped" in invoke(*sweep).output
    (run,) = (path for path in (tmp_path / "runs" / "sweep-s").iterdir() if path.is_dir())
    shutil.copy(run / "model.h5", trained)
    result = invoke(*sweep)
    assert result.exit_code == 2
    assert "model.init_sha256" in result.output


@pytest.mark.parametrize("arguments", [("--model", "resnet18"), ()])
def test_weights_of_another_model_or_none_at_all_leave_no_run(arguments, trained, train):
    file = trained if arguments else "nothing.pt"
    run, said = train(*arguments, "--init-from", file, code=3)
    assert run is None
    last = said.splitlines()[-1]
    assert "lacks the tensor stem.weight, expected one of shape (1, 3, 3, 64)" in last or "nothing.pt: cannot" in last
