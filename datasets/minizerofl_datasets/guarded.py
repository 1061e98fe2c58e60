"""Runs a function in a process of its own, with a limit on memory and time: a library may crash or hang on a bad file.

The function is named, not handed over, and takes and returns plain values, which travel as JSON.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from minizerofl_datasets.errors import DataError

__all__ = ["SPARE", "guarded", "limit_memory"]

SPARE = 1 << 30  # bytes beyond the data itself that reading a file may take
# The import path is handed over, so that the child finds the same packages; -I keeps the current folder out of it.
START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from minizerofl_datasets.guarded import _serve; _serve(*sys.argv[2:])"
)


def guarded(function: str, arguments: list[str], *, where: str, seconds: float) -> object:
    """Call a function in a new process and return what it returns.

    Parameters
    ----------
    function : str
        "package.module:name".
    arguments : list of str
        What it is called with.
    where : str
        What is read, for messages.
    seconds : float
        How long it may take; the process is ended then, and also if this one ends, in whatever way.

    Returns
    -------
    object
        A JSON value.

    Raises
    ------
    DataError
        The function's own; or it crashed, took too long, or asked for more memory than it is allowed.
    OSError, ValueError
        The function's own.

    Examples
    --------
    >>> guarded("os.path:basename", ["here/there"], where="here", seconds=60)
    'there'
    >>> guarded("os:abort", [], where="a.h5", seconds=60)
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: a.h5: the library that reads it crashed (SIGABRT); download the file again.
    """
    command = [sys.executable, "-I", "-c", START, json.dumps(sys.path), function, json.dumps(arguments), str(seconds)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # nothing is computed
    theirs, ours = os.pipe()  # nothing is written: the child ends when our end is closed
    try:
        done = subprocess.run(command, capture_output=True, stdin=theirs, env=environment, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise DataError(
            f"{where}: could not be read within {seconds:.0f} seconds; it may be damaged: download it again."
        ) from error
    finally:
        os.close(theirs)
        os.close(ours)
    if name := _crash(done.returncode):
        raise DataError(f"{where}: the library that reads it crashed ({name}); download the file again.")
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise RuntimeError(f"{where}: {last or f'exit code {done.returncode}'}")
    kind, value = json.loads(done.stdout.rpartition(b"\n")[2])
    if kind == "DataError":
        raise DataError(value)
    if kind == "MemoryError":
        raise DataError(f"{where}: needs more memory than what it declares would take; do not trust this file.")
    if kind == "OSError":
        raise OSError(*value)
    if kind == "ValueError":
        raise ValueError(value)
    return value


def _crash(code: int) -> str:
    """Return the name of the crash that an exit code stands for, or nothing.

    POSIX systems give the negative number of a signal, and Windows a number from 0xC0000000 on.

    Examples
    --------
    >>> _crash(-11), _crash(0xC0000005), _crash(1)
    ('SIGSEGV', '0xC0000005', '')
    """
    if code < 0:
        return signal.Signals(-code).name
    return f"0x{code:X}" if code >= 0xC0000000 else ""


def _serve(function: str, arguments: str, seconds: str) -> None:
    """Call the function and print what came of it; runs in the child."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    module, _, name = function.partition(":")
    call = getattr(importlib.import_module(module), name)
    _limit_time(float(seconds))
    limit_memory(SPARE)
    answer: tuple[str, object]
    try:
        answer = ("value", call(*json.loads(arguments)))
    except (DataError, ValueError) as error:
        answer = ("DataError" if isinstance(error, DataError) else "ValueError", str(error))
    except MemoryError:
        answer = ("MemoryError", None)
    except OSError as error:
        if error.errno is None:
            raise
        answer = ("OSError", (error.errno, error.strerror, error.filename))
    sys.stdout.write("\n" + json.dumps(answer))


def _end_with_the_parent() -> None:
    """Wait for the end of the input, and end this process."""
    os.read(0, 1)
    os._exit(1)


def limit_memory(more: int) -> None:
    """Limit the bytes that this process may ask for beyond what it has, where the system can.

    Examples
    --------
    >>> limit_memory(1 << 60)
    """
    try:
        import resource

        now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    except (ImportError, OSError):  # Windows and macOS set no such limit
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = now + more
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (min(limit, (1 << 63) - 1), hard))


def _limit_time(seconds: float) -> None:
    """End this process even if the library that it calls lets no other thread run."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 10, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
