"""Makes a process on Linux poorer: it lacks what Windows or macOS lack, and open files cannot be replaced.

Python imports this file at its start if its folder is on the import path. `ELSEWHERE` names the system. What is not
ours is imported first, since it may be right to rely on the system that it was installed for.
"""

import concurrent.futures.process
import importlib.abc
import importlib.machinery
import multiprocessing.connection
import multiprocessing.spawn
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import certifi
import click
import h5py
import matplotlib.backends.backend_agg
import matplotlib.figure
import numba
import PIL.Image
import rich.console
import rich.progress
import scipy.sparse
import threadpoolctl

LOADED = (concurrent, multiprocessing, certifi, click, h5py, matplotlib, numba, PIL, rich, scipy, threadpoolctl)
MODULES = {"win32": {"fcntl", "resource", "termios", "pwd", "grp"}, "darwin": set[str]()}
FUNCTIONS = {
    os: {"win32": ["fork", "register_at_fork", "sched_getaffinity", "setsid"], "darwin": ["sched_getaffinity"]},
    signal: {"win32": ["SIGKILL", "SIGHUP", "SIGALRM", "SIGUSR1", "pthread_sigmask", "pause", "alarm"], "darwin": []},
}


class Missing(importlib.abc.MetaPathFinder):
    """Finds that some modules are not there."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Raise an error for a missing module."""
        if fullname in self.names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def is_open(path: Path) -> bool:
    """Whether this process has a file open or mapped."""
    path = path.resolve()
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    descriptors = [each.readlink() for each in Path("/proc/self/fd").iterdir() if os.path.lexists(each)]
    return path.is_file() and (path in descriptors or any(line.endswith(f" {path}") for line in mapped))


def guarded(function: Callable[..., object], paths: int) -> Callable[..., object]:
    """Make a function of the file system refuse open files, as Windows does."""

    def call(*arguments: object, **options: object) -> object:
        for path in arguments[:paths]:
            if isinstance(path, str | os.PathLike) and not options and is_open(Path(path)):
                raise PermissionError(13, "is used by another process", os.fspath(path))
        return function(*arguments, **options)

    return call


def leave_linux(system: str) -> None:
    """Remove what the other system lacks."""
    sys.meta_path.insert(0, Missing(MODULES[system]))
    for name in MODULES[system]:
        sys.modules.pop(name, None)
    for module, names in FUNCTIONS.items():
        for name in names[system]:
            delattr(module, name)
    if system == "win32":
        os.replace, os.rename = guarded(os.replace, 2), guarded(os.rename, 2)
        os.unlink, os.remove = guarded(os.unlink, 1), guarded(os.remove, 1)
    multiprocessing.set_start_method("spawn")
    threadpoolctl.sys = SimpleNamespace(**vars(sys))  # It asks at every call, and finds libraries in Linux's way.
    sys.platform = system


if "ELSEWHERE" in os.environ:
    leave_linux(os.environ["ELSEWHERE"])
