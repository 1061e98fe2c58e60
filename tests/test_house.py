"""The house: arrows point down, files stay small, imports stay cheap, links in the docs lead somewhere."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import settings

from minizerofl_cli.main import cli

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "minizerofl": ROOT / "minizerofl",
    "minizerofl_datasets": ROOT / "datasets" / "minizerofl_datasets",
    "minizerofl_cli": ROOT / "cli" / "minizerofl_cli",
}
# From the ground up; a floor may use what stands below it.
FLOORS = ["lazy", "registry", "kernels", "autograd", "sparse", "ops", "nn", "optim", "models", "fl", "export"]
SOURCES = [file for folder in PACKAGES.values() for file in sorted(folder.rglob("*.py"))]
# The floors of the command line; packages of the same floor do not use each other.
CLI_FLOORS = {
    **{
        "screen": 0,
        "report": 1,
        "runs": 2,
        "data": 3,
        "bench": 3,
        "compare": 3,
        "reproduce": 3,
        "expect": 3,
        "exercise": 3,
        "cluster": 3,
    },
    **{"commands": 4, "main": 5, "__main__": 6},
}
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# The packages that offer names of their files, and two modules that are used like packages.
OFFERING = [
    ".".join(file.relative_to(folder.parent).parent.parts)
    for folder in PACKAGES.values()
    for file in sorted(folder.rglob("__init__.py"))
    if "\n__all__ = " in file.read_text()
] + ["minizerofl.ops", "minizerofl.optim"]
DEAR = {"numpy", "numba", "scipy", "h5py", "matplotlib", "rich", "torch", "onnx", "safetensors"}
HELP = "import sys; from minizerofl_cli.main import cli; cli({arguments!r}, standalone_mode=False)"


def imports(file: Path) -> Iterator[str]:
    """Yield the full name of everything a file imports, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_arrows_only_point_down(file: Path) -> None:
    package, folder = next((name, folder) for name, folder in PACKAGES.items() if file.is_relative_to(folder))
    ours = [name.split(".") for name in imports(file) if name.split(".")[0] in PACKAGES]
    if package != "minizerofl_cli":
        assert all(name[0] == package for name in ours), "only the command line may use several packages"
    if (package == "minizerofl" and file.parent != folder) or file.stem in FLOORS:
        mine = file.relative_to(folder).parts[0].removesuffix(".py")
        for name in ours:
            if name[0] == "minizerofl" and name[1] in FLOORS:
                assert FLOORS.index(name[1]) <= FLOORS.index(mine), f"{mine} uses {'.'.join(name)}"
    if package == "minizerofl_cli" and file.name != "__init__.py":
        mine = file.relative_to(folder).parts[0].removesuffix(".py")
        for name in ours:
            if name[0] == package and name[1] != mine:
                assert CLI_FLOORS[name[1]] < CLI_FLOORS[mine], f"{mine} uses {'.'.join(name)}"


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_holds_one_idea(file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) <= 350
    assert ast.get_docstring(ast.parse(text)), "a module opens with one sentence that says what it is"


@pytest.mark.parametrize(
    "code",
    [
        "import minizerofl",
        "import minizerofl.export, minizerofl.fl, minizerofl.models, minizerofl.sparse",
        "import minizerofl_datasets",
        HELP.format(arguments=["--help"]),
        *(HELP.format(arguments=[name, "--help"]) for name in sorted(cli.commands)),
    ],
)
def test_what_is_dear_is_imported_where_it_is_used(code: str) -> None:
    report = f"\nimport sys; print('loaded:', *sorted({DEAR!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "loaded:", done.stdout + done.stderr


@pytest.mark.parametrize("package", OFFERING)
def test_completion_offers_the_public_names_and_each_is_there(package: str) -> None:
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert set(module.__all__) == set(dir(module))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize("page", DOCS, ids=lambda f: f.name)
def test_links_lead_to_files_that_hold_what_they_name(page: Path) -> None:
    for text, target in re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith(("http://", "https://", "#", "mailto:")):
            continue
        file = page.parent / target.split("#")[0]
        assert file.exists(), f"{page.name}: {target}"
        name = re.fullmatch(r"`([\w.]+)`", text)
        if name and file.suffix == ".py":
            last = name.group(1).split(".")[-1]
            assert re.search(rf"(def|class) {last}\b|^{last}\b", file.read_text(), re.MULTILINE), f"{text} in {target}"


def test_hypothesis_waits_for_compilers() -> None:
    assert settings().deadline is None
