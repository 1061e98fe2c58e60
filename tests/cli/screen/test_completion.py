"""Shell completion: commands, options and their values, as the shells ask for them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from minizerofl.choices import CHOICES, MODELS
from minizerofl.fl.recipes import NAMES
from minizerofl_cli.main import cli
from minizerofl_datasets import import_arrays
from minizerofl_datasets.catalogue import CATALOGUE


@pytest.fixture(params=[BashComplete, ZshComplete, FishComplete], ids=["bash", "zsh", "fish"])
def complete(request):
    """Ask the class of a shell for the values after some words."""

    def ask(*words: str, incomplete: str = "") -> list[str]:
        shell = request.param(cli, {}, "minizerofl", "_MINIZEROFL_COMPLETE")
        return [item.value for item in shell.get_completions(list(words), incomplete)]

    return ask


def test_commands_and_options(complete):
    assert complete(incomplete="ru") == ["runs"]
    assert complete("data", incomplete="p") == ["partition", "preview"]
    assert "--mask-ratio" in complete("train", incomplete="--ma")


@pytest.mark.parametrize("setting", CHOICES)
def test_every_named_setting_completes_to_its_names(complete, setting):
    assert complete("train", f"--{setting.replace('_', '-')}") == list(CHOICES[setting])


def test_models_recipes_sources_and_partitions(complete):
    for command in ("train", "trace", "bench"):
        assert complete(command, "--model") == list(MODELS)
    assert complete("train", "--recipe") == list(NAMES)
    assert complete("train", "--source", incomplete="s") == ["synthetic"]
    assert complete("train", "--polarity") == ["ink", "raw"]
    assert complete("train", "--partition", incomplete="dir") == ["dirichlet", "dirichlet-min"]


def test_data_sets_and_imported_ones(complete, tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((40, 4, 4), np.uint8), y=np.arange(40) % 2)
    import_arrays("my-scans", tmp_path / "a.npz")
    known = [*CATALOGUE, "my-scans"]
    assert complete("train", "--dataset") == complete("eval", "--dataset") == known
    for command in ("info", "preview", "partition"):
        assert complete("data", command) == known
    assert complete("data", "fetch") == list(CATALOGUE)
    assert complete("data", "remove") == ["my-scans"]


def test_run_directories(complete, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complete("eval", incomplete="model") == ["model"]  # the shell completes the path of a file
    for name in ("a-run", "b-run", "sweep-x/r=0.1", "holiday"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        if name != "holiday":
            (tmp_path / "runs" / name / "config.toml").write_text("")
    (tmp_path / "runs" / "latest").symlink_to("b-run")
    runs = ["runs/latest", "runs/a-run", "runs/b-run", "runs/sweep-x/r=0.1"]
    for words in (("eval",), ("resume",), ("runs",), ("trace", "--weights"), ("bench", "--weights")):
        assert complete(*words) == runs
    assert complete("eval", incomplete="runs/a") == ["runs/a-run"]
    assert complete("eval", incomplete=str(Path("elsewhere"))) == ["elsewhere"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_program_answers_a_shell(shell):
    code = "from minizerofl_cli.main import main; main()"
    environment = {"_MINIZEROFL_COMPLETE": f"{shell}_source"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if shell == "bash" and not done.stdout:
        pytest.skip("no bash of version 4.4 or newer")
    assert "_MINIZEROFL_COMPLETE" in done.stdout
