"""What is said is one line for each line, whatever names are in it and whatever the terminal can show."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl.files.rundir import RunDirectory
from minizerofl.printable import printable
from minizerofl_datasets import import_arrays

FORGED = "a\nround 9/9  accuracy 99.9 %\x1b[2J\r\u2028\u202eb"


@given(st.text(st.characters()))
def test_a_text_is_one_visible_line(text):
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    assert shown.isprintable()
    assert shown == text or not text.isprintable()


def test_a_log_has_a_line_for_each_line(tmp_path):
    run = RunDirectory(tmp_path, "run", source="synthetic", config={}, environment={}, partition={}, summary={})
    run.log(FORGED)
    run.log("zoë 猫")
    lines = (run.path / "train.log").read_text(encoding="utf-8").splitlines()
    assert lines == [r"a\nround 9/9  accuracy 99.9 %\x1b[2J\r\u2028\u202eb", "zoë 猫"]


def _import(tmp_path, monkeypatch, names, clients):
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 1, 8, 8), dtype=np.uint8), np.arange(60) % len(names)
    owners = np.array(clients)[np.arange(60) * len(clients) // 60]
    np.savez(tmp_path / "a.npz", x=x, y=y, client=owners, class_names=np.array(names))
    import_arrays("mine", tmp_path / "a.npz")


def test_names_of_clients_and_classes_forge_no_lines(tmp_path, monkeypatch, invoke):
    _import(tmp_path, monkeypatch, [FORGED, "b$2"], [FORGED, "b"])
    result = invoke(
        *("train", "--dataset", "mine", "--rounds", 1, "--clients-per-round", 2, "--runs-dir", tmp_path / "runs"),
        *("--inject", "drop@1:#0", "--local-epochs", 1, "--workers", 1),
    )
    assert result.exit_code == 0, result.output
    (run,) = (tmp_path / "runs").glob("*-*")
    outputs = [result.output, (run / "train.log").read_text(encoding="utf-8")]
    outputs += [invoke("eval", run).output, invoke("data", "info", "mine").output]
    picture = tmp_path / "a.png"
    outputs.append(invoke("data", "preview", "mine", "--output", picture).output)
    for output in outputs:
        assert "\x1b" not in output
        assert not any(line.startswith("round 9/9") for line in output.splitlines()), output
    assert picture.is_file()


def test_what_stdout_cannot_encode_is_replaced(tmp_path, monkeypatch, start):
    _import(tmp_path, monkeypatch, ["猫", "犬"], ["zoë", "al"])
    process = start("data", "info", "mine", env={**os.environ, "PYTHONIOENCODING": "cp1252"}, encoding="cp1252")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "?" in out


@pytest.mark.long
def test_a_picture_that_cannot_be_drawn_is_a_note(tmp_path, start, small):
    """The user's settings ask for LaTeX, and a folder stands where the picture is to be."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.family: Nothing\n")
    code = (
        "import sys\n"
        "from minizerofl_cli.screen import progress\n"
        "from pathlib import Path\n"
        "from minizerofl_cli.main import main\n"
        "say = progress.PlainScreen.say\n"
        "def block(self, line, level=0):\n"
        "    say(self, line, level)\n"
        "    if line.startswith('Run directory: '):\n"
        "        (Path(line.removeprefix('Run directory: ')) / 'accuracy.png').mkdir()\n"
        "if sys.argv.pop(1) == 'block':\n"
        "    progress.PlainScreen.say = block\n"
        "main()\n"
    )
    for mode in ("free", "block"):
        process = start(
            mode,
            "train",
            *small,
            "--runs-dir",
            tmp_path / mode,
            code=code,
            env={**os.environ, "MATPLOTLIBRC": str(tmp_path)},
        )
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert ("Note: accuracy.png cannot be drawn" in out) == (mode == "block")
        (run,) = (tmp_path / mode).glob("*-*")
        assert (run / "accuracy.png").is_file() == (mode == "free")
