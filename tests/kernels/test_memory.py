"""Memory: what is freed is kept for the next array, if asked for; bytes that are written in place."""

import ctypes
import subprocess
import sys

import pytest

from minizerofl.kernels import memory

FAULTS = """
import resource
import sys
import numpy as np
from minizerofl.kernels.memory import keep_freed_memory

for round in range(12):
    if str(round) in sys.argv[1:]:
        keep_freed_memory()
    if round == 6:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.zeros(1 << 21, np.float32) + 1 for _ in range(8)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*rounds: str) -> int:
    """Count the pages that the system clears in the last six rounds, if the memory is asked for before some rounds."""
    return int(subprocess.run([sys.executable, "-c", FAULTS, *rounds], capture_output=True, check=True).stdout)


@pytest.fixture(scope="module")
def given_back() -> int:
    return faults()


@pytest.mark.skipif(sys.platform != "linux", reason="asks GNU's C library, which is found on Linux")
@pytest.mark.parametrize("rounds", ["0", "4", "0 4"], ids=["at first", "later", "again"])
def test_freed_memory_is_kept_whenever_and_however_often_it_is_asked_for(rounds: str, given_back: int) -> None:
    assert faults(*rounds.split()) < given_back / 2


def test_it_says_whether_memory_will_be_kept() -> None:
    assert memory.keep_freed_memory() == (sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"))


@pytest.mark.parametrize("size", [0, 10, memory.LARGE + 5])
def test_room_for_bytes_is_zero_and_becomes_what_is_written(size: int) -> None:
    room = memory.zero_bytes(size)
    if size:
        room.getbuffer()[-1] = 7
    assert room.getvalue() == bytes(max(size - 1, 0)) + b"\x07" * (size > 0)
