"""The scripts of docs/examples: each runs as it stands, and what the pages say of them is so."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "docs" / "examples").glob("*.py"))
TYPED = ROOT / "docs" / "examples" / "own_everything.py"
EXPECTED = {
    "own_model": r"mlp: 108,478 parameters\n(  round \d: accuracy .* %\n){2}CNN: 110,526 parameters\n(  round .*\n){2}",
    "own_everything": r"(mlp \d [\d.]+\n){4}mlp 5 (0\.9\d*|1\.0)\n(cnn \d [\d.]+\n){4}cnn 5 (0\.9\d*|1\.0)\n",
}


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a process without real data, in a folder of its own."""
    environment = {**os.environ, "MINIZEROFL_CACHE": str(folder / "cache")}
    environment.pop("MINIZEROFL_DATA", None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.long
@pytest.mark.parametrize("name", EXPECTED)
def test_the_script_runs_as_it_stands(name: str, tmp_path: Path) -> None:
    done = run([sys.executable, str(ROOT / "docs" / "examples" / f"{name}.py")], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(EXPECTED[name], done.stdout), done.stdout


def test_a_script_of_sixty_lines_has_everything() -> None:
    text = TYPED.read_text()
    assert len(text.splitlines()) <= 60
    assert {"Bars", "mlp", "cnn", "Grown"} <= {getattr(node, "name", None) for node in ast.parse(text).body}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_page_names_the_script(script: Path) -> None:
    assert f"(examples/{script.name})" in (ROOT / "docs" / "python.md").read_text()


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_types_hold() -> None:
    """Run in the tree, so that what mypy knows of the packages is used again."""
    environment = {**os.environ, "MYPYPATH": f"{ROOT / 'datasets'}{os.pathsep}{ROOT / 'cli'}"}
    scripts = [str(ROOT / "docs" / "examples" / f"{name}.py") for name in EXPECTED]
    command = [sys.executable, "-m", "mypy", "--strict", *scripts]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["MLP", "CNN"])
def test_a_model_of_the_page_is_short(kind: str) -> None:
    page = (ROOT / "docs" / "python.md").read_text()
    start = {"MLP": r">>> def mlp\(", "CNN": r">>> class CNN\("}[kind]
    block = re.search(rf"{start}.*\n(\.\.\..*\n)+", page)
    assert block is not None
    assert len(block[0].splitlines()) < 15
