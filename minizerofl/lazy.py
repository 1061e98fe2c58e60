"""What packages show: their public names and no files, some of them imported when they are first used.

Numba, SciPy and h5py take long to import.
"""

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

    return get, listing(package)


def listing(package: str) -> Callable[[], list[str]]:
    """Return ``__dir__`` of a package: completion then offers ``nn.Conv2d``, but not the file ``nn.conv``.

    Examples
    --------
    >>> listing("minizerofl")()[:2]
    ['Tensor', '__version__']
    """
    return lambda: sorted(sys.modules[package].__all__)
