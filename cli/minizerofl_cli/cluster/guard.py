"""Runs a program that must not outlive its starter: `python -m minizerofl_cli.cluster.guard LOG COMMAND...`.

The guard reads its standard input, a pipe from the process that started it, and nothing ever comes. When that process
ends, however it ends, the pipe closes: then the guard ends the program and, on Linux, all processes that it started.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

PR_SET_CHILD_SUBREAPER = 36  # of <sys/prctl.h>: who loses its parent becomes a child of the guard
PATIENCE = 5.0  # seconds that the program has to end by itself


def main(log: str, command: list[str]) -> int:
    """Run a command until it ends or the pipe closes; return its exit code."""
    for signum in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C is meant for the starter, whose end closes the pipe.
        signal.signal(signum, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    heed = _heed_signals if os.name == "posix" else None
    with Path(log).open("ab") as file:
        program = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, preexec_fn=heed
        )
    Thread(target=_end_with_the_pipe, args=(program,), daemon=True).start()
    code = program.wait()
    _kill_the_rest()
    return code if code >= 0 else 128 - code


def _heed_signals() -> None:
    """Let the program end at the signals that the guard ignores."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end_with_the_pipe(program: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1):  # nothing comes before the end; a buffered reader would hold a lock at our own end
        pass
    program.terminate()
    try:
        program.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        program.kill()


def _kill_the_rest() -> None:
    """Kill what the program has left behind: on Linux these are the descendants of the guard."""
    while rest := _descendants(os.getpid()):
        for pid in rest:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, 0)[0]:
                pass


def _descendants(root: int) -> list[int]:
    """Return the processes below another one; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found: list[int] = []
    todo = [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
