"""On what a run took place: versions, machine and linear algebra, for environment.json."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("minizerofl", "numpy", "numba", "llvmlite", "scipy", "h5py", "click", "rich", "threadpoolctl", "matplotlib")


def usable_cores() -> int:
    """Return how many cores this process may use, which may be fewer than the machine has.

    Examples
    --------
    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Return the name of the processor, as far as the system tells it.

    Examples
    --------
    >>> len(processor()) > 0
    True
    """
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown processor"


def environment() -> dict[str, object]:
    """Describe the environment, JSON only.

    Examples
    --------
    >>> sorted(environment())[:3]
    ['blas', 'blas_threads_in_a_round', 'cores']
    """
    import threadpoolctl

    libraries = [
        {key: library.get(key) for key in ("internal_api", "version", "architecture", "num_threads")}
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas"
    ]
    return {
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "blas": libraries,
        "blas_threads_in_a_round": 1,  # clients run in parallel instead
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
