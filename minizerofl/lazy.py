"""Packages whose names are imported when they are first used, since Numba, SciPy and h5py take long to import."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy(package: str, names: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package (PEP 562), which lists ``__all__``.

    Parameters
    ----------
    package : str
        The name of the package.
    names : mapping of str to str
        Each public name, and the module that defines it. A module is the last part of its own name.

    Examples
    --------
    >>> get, _ = lazy("minizerofl", {"optim": "minizerofl.optim", "SGD": "minizerofl.optim"})
    >>> get("optim").__name__, get("SGD").__name__
    ('minizerofl.optim', 'SGD')
    """

    def get(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(names[name])
        return module if names[name] == f"{package}.{name}" else getattr(module, name)

    return get, lambda: sorted(sys.modules[package].__all__)
