"""Checks of a student's files, each in a process with a time limit: whatever the file does, there is a verdict."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from minizerofl_cli.exercise.judge import PATIENCE, PLACE, VERDICT
from minizerofl_cli.exercise.manifest import Exercise

SECONDS = 10.0  # that the student's code may compute
STARTING = 120.0  # for what comes before it: Python and the library, on a slow machine
WORK = "work"  # the folder that the student's code is in, and may do with as it likes
SHOWN, WIDTH = 1000, 120  # bytes of what a student's code prints that are kept, and characters of a line


def check_all(
    exercises: Iterable[Exercise], folder: Path, seed: int, verbose: bool = False, seconds: float = SECONDS
) -> Iterator[dict[str, Any]]:
    """Yield a verdict for each exercise, see `minizerofl_cli.exercise.judge.judge`.

    The files are read before the first of them runs, and each check has a copy of all of them: what one of them
    deletes or writes there changes nothing for the others.
    """
    files = {file.name: file.read_bytes() for file in sorted(folder.glob("*.py"))}
    for exercise in exercises:
        name = f"{exercise.stem}.py"
        verdict: dict[str, Any] = {"id": exercise.id, "status": "failed", "held": 0, "properties": 0}
        if name not in files:
            line = f"{folder / name} is missing; to begin: minizerofl exercise start {exercise.id}"
            yield {**verdict, "status": "missing", "lines": [line]}
            continue
        with TemporaryDirectory(ignore_cleanup_errors=True) as place:
            (Path(place) / WORK).mkdir()
            for each, content in files.items():
                (Path(place) / WORK / each).write_bytes(content)
            yield {**verdict, **_check(exercise, Path(place), seed, verbose, seconds)}


def _check(exercise: Exercise, place: Path, seed: int, verbose: bool, seconds: float) -> dict[str, Any]:
    """Let the judge look at the file in a folder; return its verdict, or say why there is none."""
    arguments = [exercise.id, str(seed), str(seconds), str(int(verbose))]
    printed = bytearray()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "minizerofl_cli.exercise.judge", *arguments],
        cwd=place / WORK,
        env={"NUMBA_DISABLE_JIT": "1", **os.environ},  # nothing waits for a compiler: the arrays are small
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    reader = threading.Thread(target=_read, args=(process.stdout, printed), daemon=True)
    reader.start()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE * seconds + STARTING)
    finally:
        _end(process)
        reader.join(1)
    verdict = _verdict(place, exercise, seconds, process.wait())
    output = printed.decode(errors="replace").splitlines()
    if output and verdict.get("status") != "passed":
        verdict["lines"] += ["Your code printed:", *(f"  {line[:WIDTH]}" for line in output[:10])]
    return verdict


def _read(stream: IO[bytes], kept: bytearray) -> None:
    """Read to the end, so that a process that prints megabytes does not wait; keep the beginning."""
    with stream:
        while part := os.read(stream.fileno(), 65536):
            kept += part[: SHOWN - len(kept)]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):  # nothing of it is left
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _verdict(place: Path, exercise: Exercise, seconds: float, code: int) -> dict[str, Any]:
    if (place / VERDICT).is_file():
        verdict: dict[str, Any] = json.loads((place / VERDICT).read_text(encoding="utf-8"))
        return verdict
    where = re.search(rf'{WORK}.{exercise.stem}\.py", line (\d+)', _text(place / PLACE))
    if "Timeout" in _text(place / PLACE):
        line = f" in line {where[1]}" if where else ""
        limits = f"{seconds:g} seconds of computing, or {PATIENCE * seconds:g} in all"
        return {"lines": [f"It was ended{line} after {limits}: is there a loop that does not end?"]}
    if code < 0 and -code != signal.SIGKILL:
        return {"lines": [f"Python was ended by signal {-code}: too much memory, or a write outside of an array?"]}
    line = "Your code ended the process before the check had finished: does it call exit, or use too much memory?"
    return {"lines": [line]}


def _text(file: Path) -> str:
    return file.read_text(errors="replace") if file.is_file() else ""
