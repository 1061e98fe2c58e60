"""Memory: what is freed is kept for the next array, if asked for; bytes that are written in place."""

import subprocess
import sys

import pytest

from minizerofl.kernels import memory

FAULTS = """
import resource
import sys
import numpy as np
from minizerofl.kernels.memory import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()
for round in range(12):
    if round == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.zeros(1 << 21, np.float32) + 1 for _ in range(8)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks GNU's C library, which is found on Linux")
def test_freed_memory_is_kept() -> None:
    kept, given_back = (
        int(subprocess.run([sys.executable, "-c", FAULTS, what], capture_output=True, check=True).stdout)
        for what in ("keep", "give back")
    )
    assert kept < given_back / 2


def test_it_may_be_asked_for_at_any_time_and_again() -> None:
    for _ in range(2):
        memory.keep_freed_memory()


@pytest.mark.parametrize("size", [0, 10, memory.LARGE + 5])
def test_room_for_bytes_is_zero_and_becomes_what_is_written(size: int) -> None:
    room = memory.zero_bytes(size)
    if size:
        room.getbuffer()[-1] = 7
    assert room.getvalue() == bytes(max(size - 1, 0)) + b"\x07" * (size > 0)
