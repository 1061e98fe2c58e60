"""The clock for work that one thread does: its own time, in which it does not wait while others have the core."""

from __future__ import annotations

from collections.abc import Callable
from time import get_clock_info, perf_counter, thread_time

# Where a thread's own time is only known in slices of the scheduler, it would be too coarse.
clock: Callable[[], float] = thread_time if get_clock_info("thread_time").resolution <= 1e-6 else perf_counter
