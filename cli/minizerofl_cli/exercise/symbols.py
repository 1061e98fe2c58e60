"""The symbol of an exercise: its source as it stands, a stub made of it, and another function in its place."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

from minizerofl.usercode import OURS
from minizerofl_cli.exercise.manifest import Exercise

METHODS = ("forward", "backward")  # what is to be written where the symbol is a class
UNWRITTEN = "raise NotImplementedError  # write your solution here"
HEAD = '''"""{each.id}: {each.title}. The text is in {each.stem}.md.

While it is checked, what you write here takes the place of
{name}.

    minizerofl exercise check {each.id}
"""

from __future__ import annotations

import numpy as np
'''


@contextmanager
def replaced(symbol: str, function: Any) -> Iterator[None]:
    """Let the library use `function` in the body of a ``with`` statement, wherever it uses the symbol."""
    module, _, path = symbol.partition(":")
    *classes, name = path.split(".")
    owner: Any = reduce(getattr, classes, import_module(module))
    original = vars(owner)[name]
    if classes:
        places = [(owner, name)]
        function = staticmethod(function) if isinstance(original, staticmethod) else function
    else:
        modules = [m for key, m in list(sys.modules.items()) if key.split(".")[0] in OURS and isinstance(m, ModuleType)]
        places = [(m, key) for m in modules for key, value in list(vars(m).items()) if value is original]
    for place, key in places:
        setattr(place, key, function)
    try:
        yield
    finally:
        for place, key in places:
            setattr(place, key, original)


def source_of(symbol: str) -> tuple[Path, str]:
    """Return the file of a symbol and its source, decorators left out."""
    file, lines, node = _find(symbol)
    return file, dedent("\n".join(lines[node.lineno - 1 : node.end_lineno])) + "\n"


def make_stub(exercise: Exercise) -> str:
    """Return the file that a student begins with: the signature and the docstring of the symbol, without its body."""
    _, lines, node = _find(exercise.symbol)
    bodies = node.body if isinstance(node, ast.ClassDef) else [node]
    kept = lines[: node.end_lineno]
    for each in reversed([each for each in bodies if isinstance(each, ast.FunctionDef)]):
        first, last = each.body[0], each.body[-1]
        begin = first.end_lineno if ast.get_docstring(each) else first.lineno - 1
        new = [" " * first.col_offset + UNWRITTEN]
        if isinstance(node, ast.ClassDef) and each.name not in METHODS:  # it may be inherited
            begin, new = each.decorator_list[0].lineno - 1, []
        kept[begin : last.end_lineno] = new
    code = dedent("\n".join(kept[node.lineno - 1 :])).rstrip()
    head = HEAD.format(each=exercise, name=exercise.symbol.replace(":", "."))
    return f"{head}{_imports(exercise, code)}\n\n{code}\n"


def _find(symbol: str) -> tuple[Path, list[str], Any]:
    """Return the file of a symbol, its lines, and the symbol's node in the syntax tree."""
    module, _, path = symbol.partition(":")
    source = inspect.getsource(import_module(module))
    node: Any = ast.parse(source)
    for name in path.split("."):
        node = next(each for each in node.body if getattr(each, "name", "") == name)
    return Path(inspect.getfile(import_module(module))), source.splitlines(), node


def _imports(exercise: Exercise, code: str) -> str:
    """Return the line that imports what the stub names, from the module of the symbol."""
    module = exercise.symbol.partition(":")[0]
    there = vars(import_module(module))
    used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)} | set(exercise.uses)
    names = sorted(name for name in used if name in there and name != "np")
    return f"\nfrom {module} import {', '.join(names)}\n" if names else ""
