"""Wherever a public function takes a path, it takes a text, a Path and any other os.PathLike."""

import ast
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from minizerofl.fl import Checkpoint, Checkpoints, SavedModel, load_model, save_model
from minizerofl.fl.files.checkpoint import read_checkpoint, write_checkpoint
from minizerofl.fl.files.history import Table
from minizerofl.fl.files.jsonfile import read_json, write_json
from minizerofl.fl.files.maskfile import MaskFile
from minizerofl.fl.files.rundir import RunDirectory
from minizerofl_datasets import DataError, import_arrays, load
from minizerofl_datasets.arrays import read_arrays
from minizerofl_datasets.fingerprint import file_checksum
from minizerofl_datasets.partition import Partition, read_partition

ROOT = Path(__file__).parents[1]
SOURCES = [
    file
    for folder in (ROOT / "minizerofl", ROOT / "datasets" / "minizerofl_datasets")
    for file in sorted(folder.rglob("*.py"))
]
NAMES = {"file", "folder", "root", "data_dir"}  # A parameter of this name is a path, whatever its hint says.


class Place:
    """A path of another library."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


KINDS = pytest.mark.parametrize("kind", [str, Path, Place])


def public(node: ast.AST) -> Iterator[ast.FunctionDef]:
    """Yield the public functions and methods below a node of the syntax tree, constructors among them."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.ClassDef | ast.FunctionDef) and (each.name == "__init__" or each.name[0] != "_"):
            if isinstance(each, ast.FunctionDef):
                yield each
            else:
                yield from public(each)


def narrow(text: str) -> list[str]:
    """Name the parameters of public functions in a source text that take only some kinds of paths."""
    found = []
    for function in public(ast.parse(text)):
        every = function.args
        for each in [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg]:
            if each is None or each.annotation is None:
                continue
            hint = ast.unparse(each.annotation)
            # What a function that is handed over takes is its own affair.
            is_path = not hint.startswith("Callable") and "Path" in ast.dump(each.annotation)
            if (is_path or (each.arg in NAMES and "str" in hint)) and "str | os.PathLike[str]" not in hint:
                found.append(f"{function.name}({each.arg}: {hint})")
    return found


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_public_function_says_that_it_takes_every_kind_of_path(file: Path) -> None:
    """That it also does so is checked by mypy: a text has no method of a Path."""
    assert narrow(file.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "def read(path: Path): ...",
        "def read(folder: str): ...",
        "def read(*, folder: Path | None = None): ...",
        "def read(*files: Path): ...",
        "class Store:\n    def __init__(self, place: tuple[Path, ...]): ...",
    ],
)
def test_a_path_of_one_kind_is_found(source: str) -> None:
    assert len(narrow(source)) == 1


@KINDS
def test_files_of_a_run(kind: Callable[[Path], str | os.PathLike[str]], tmp_path: Path) -> None:
    state = {"w": np.arange(3, dtype=np.float32)}
    save_model(kind(tmp_path / "model.h5"), SavedModel("own", {}, state))
    assert load_model(kind(tmp_path / "model.h5")).state["w"].tolist() == [0, 1, 2]
    write_checkpoint(kind(tmp_path / "one.h5"), Checkpoint(1, state))
    assert read_checkpoint(kind(tmp_path / "one.h5")).round == 1
    Checkpoints(kind(tmp_path / "many")).save(Checkpoint(2, state))
    assert Checkpoints(kind(tmp_path / "many")).newest()[0].round == 2
    write_json(kind(tmp_path / "a.json"), {"a": 1})
    assert read_json(kind(tmp_path / "a.json")) == {"a": 1}
    Table(kind(tmp_path / "a.csv"), ["round"]).create()
    assert (tmp_path / "a.csv").read_text() == "round\n"
    mask = {"w": np.array([6], np.uint8)}
    MaskFile(kind(tmp_path), "real").add(1, mask, mask, {"w": 8}, {})
    assert sorted(MaskFile(kind(tmp_path), "real").load()) == [0, 1]
    about = {"source": "real", "environment": {}, "partition": {}, "summary": {}}
    run = RunDirectory(kind(tmp_path / "runs"), "own", config={}, **about)
    assert run.path == tmp_path / "runs" / "own"
    assert RunDirectory.open(kind(run.path), **about).path == run.path


@KINDS
def test_files_of_data(
    kind: Callable[[Path], str | os.PathLike[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "own.npz"
    np.savez(file, x=np.zeros((20, 1, 2, 2), np.float32), y=np.repeat([0, 1], 10))
    assert read_arrays(kind(file))["x"].shape == (20, 1, 2, 2)
    assert len(file_checksum(kind(file))) > 8
    import_arrays("own", kind(file))
    assert load("own", num_clients=2).input_shape == (1, 2, 2)
    Partition({"a": np.array([0])}, method="iid").write(kind(tmp_path / "partition.json"))
    assert read_partition(kind(tmp_path / "partition.json")).clients == ("a",)
    with pytest.raises(DataError, match="nowhere"):
        load("femnist", source="real", data_dir=kind(tmp_path / "nowhere"))
