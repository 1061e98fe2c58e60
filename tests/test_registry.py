"""Registries: names cost nothing, a user's own module is found in the current directory, and nothing else changes."""

import sys
from pathlib import Path

import pytest

from minizerofl.registry import ChoiceError, Registry, subclass_of, takes


@pytest.fixture
def shapes() -> Registry[type]:
    """A registry whose second entry cannot be imported."""
    return Registry("shape", {"list": "builtins:list", "gone": "no_such_module:Shape"}, subclass_of("builtins:list"))


def test_names_import_nothing(shapes: Registry[type]) -> None:
    assert list(shapes) == ["list", "gone"]
    assert len(shapes) == 2
    assert "gone" in shapes
    assert "builtins:list" not in shapes
    shapes.check("gone")
    assert shapes["list"] is list
    with pytest.raises(ModuleNotFoundError):
        shapes["gone"]


def test_a_class_is_registered_and_removed(shapes: Registry[type]) -> None:
    class Mine(list):  # type: ignore[type-arg]
        pass

    shapes["mine"] = Mine
    assert shapes["mine"] is Mine
    del shapes["mine"]
    assert shapes.get("mine") is None
    with pytest.raises(ChoiceError, match="shape 'mine' is unknown"):
        shapes.check("mine")


@pytest.mark.parametrize("content", ["class Mine(list):\n    pass\n", "raise ValueError('no')\n"])
def test_the_current_directory_is_searched_during_the_import_only(
    content: str, shapes: Registry[type], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"own_{abs(hash(content))}"
    (tmp_path / f"{module}.py").write_text(content)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])
    before = list(sys.path)
    with pytest.raises(ChoiceError, match=r"cannot be imported \(ModuleNotFoundError"):
        shapes.check(f"{module}:Mine")
    monkeypatch.chdir(tmp_path)
    if content.startswith("class"):
        shapes.check(f"{module}:Mine")
        assert issubclass(shapes[f"{module}:Mine"], list)
        assert shapes[f"{module}:Mine"] is shapes[f"{module}:Mine"]
    else:
        with pytest.raises(ChoiceError, match=r"cannot be imported \(ValueError: no \(in own_\d+.py, line 1\)\)"):
            shapes.check(f"{module}:Mine")
    assert sys.path == before


def test_functions_are_known_by_their_parameters() -> None:
    assert takes("sparsity", "seed")(lambda seed, sparsity, depth=3: None) == ""
    for wrong in (lambda seed: None, lambda **arguments: None, 3, print):
        assert "with the parameters 'sparsity' and 'seed'" in takes("sparsity", "seed")(wrong)
