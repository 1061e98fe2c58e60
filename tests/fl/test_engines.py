"""The engines: order, errors, models of their own, one BLAS thread; what processes share, and what ends them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from mmap import mmap

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from threadpoolctl import threadpool_info

from minizerofl import nn
from minizerofl.fl import Update
from minizerofl.fl.engines import Engine, ProcessEngine, ThreadEngine
from minizerofl.fl.engines.parcel import pack, unpack
from minizerofl.fl.engines.processes import AVAILABLE
from minizerofl.fl.errors import WorkerDiedError

processes = pytest.mark.skipif(not AVAILABLE, reason="there are no forked processes here")
engines = pytest.mark.parametrize("start", [ThreadEngine, pytest.param(ProcessEngine, marks=processes)])
Start = Callable[..., Engine]


TURNS: list[str] = []
LATE = multiprocessing.Event()  # of threads and of forked processes


def slow_first(model: nn.Module, number: int) -> int:
    if number == 0:
        assert LATE.wait(60)
    elif number == 3:
        LATE.set()
    return number


def blas_threads(*_: object) -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def fail_second(model: nn.Module, number: int) -> int:
    if number == 1:
        raise ZeroDivisionError("second")
    return number


def linear() -> nn.Module:
    return nn.Linear(10, 10, rng=np.random.default_rng(0))


def turn_of(model: nn.Module, job: str) -> tuple[str, int]:
    TURNS.append(job)
    return job, len(TURNS)


@engines
def test_the_largest_jobs_begin_first(start: Start) -> None:
    TURNS.clear()
    with start(linear) as engine:
        assert list(engine.run(turn_of, ["b", "a", "c"], [1, 2, 1])) == [("b", 2), ("a", 1), ("c", 3)]


@engines
def test_results_come_in_the_order_of_the_jobs_whoever_is_first(start: Start) -> None:
    LATE.clear()
    with start(nn.Flatten, workers=2) as engine:
        assert list(engine.run(slow_first, range(5))) == [0, 1, 2, 3, 4]


@engines
def test_an_error_comes_out_and_the_engine_goes_on(start: Start) -> None:
    with start(nn.Flatten, workers=2) as engine:
        with pytest.raises(ZeroDivisionError, match="second"):
            list(engine.run(fail_second, range(100)))
        assert list(engine.run(_second, range(3))) == [0, 1, 2]


@engines
def test_blas_is_held_to_one_thread_and_released(start: Start) -> None:
    before = blas_threads()
    with start(nn.Flatten, workers=2) as engine:
        assert set.union(*engine.run(blas_threads, range(2))) <= {1}
    assert blas_threads() == before


@engines
def test_jobs_may_be_any_sequence(start: Start) -> None:
    with start(nn.Flatten, workers=2) as engine:
        assert list(engine.run(_second, ("a", 1))) == ["a", 1]


def _second(model: nn.Module, job: object) -> object:
    return job


def test_each_thread_has_a_model_to_itself() -> None:
    busy: set[int] = set()
    together = threading.Barrier(3)
    count = []

    def build() -> nn.Module:
        count.append(1)
        return nn.Flatten()

    def job(model: nn.Module, _: int) -> int:
        assert id(model) not in busy
        busy.add(id(model))
        together.wait(10)
        busy.discard(id(model))
        return id(model)

    with ThreadEngine(build, workers=3) as engine:
        assert len(set(engine.run(job, range(3)))) == 3
    assert len(count) == 3


def test_after_an_error_jobs_that_have_not_begun_are_dropped() -> None:
    ran = []
    over = threading.Event()

    def job(model: nn.Module, number: int) -> None:
        ran.append(number)
        if number == 1:
            raise ZeroDivisionError
        if number > 1:
            over.wait(60)

    with ThreadEngine(nn.Flatten, workers=1) as engine:
        with pytest.raises(ZeroDivisionError):
            list(engine.run(job, range(100)))
        over.set()
        assert list(engine.run(_second, [7])) == [7]  # has waited for whatever was there before
    assert ran in ([0, 1], [0, 1, 2])


class Adding:
    """A task with an array that is too large for a pipe, and for the shared memory if asked for."""

    def __init__(self, state: np.ndarray, offset: object = 0) -> None:
        self.state = state
        self.offset = offset

    def __call__(self, model: nn.Module, job: int) -> tuple[int, np.ndarray, object]:
        return os.getpid(), self.state + job, self.offset


@processes
@pytest.mark.parametrize("size", [0, 10, 100_000])  # the model has 110 numbers
def test_tasks_and_results_of_any_size_are_those_of_their_run(size: int) -> None:
    start = np.arange(size, dtype=np.float32)
    with ProcessEngine(linear, workers=2) as engine:
        for run in range(3):
            results = list(engine.run(Adding(start + run), range(4)))
            for job, (_, values, _) in enumerate(results):
                np.testing.assert_array_equal(values, start + run + job)
        assert os.getpid() not in {pid for pid, *_ in results}


@processes
def test_what_is_known_is_not_sent() -> None:
    known = threading.Lock()  # cannot be pickled
    jobs = [0]
    with ProcessEngine(linear, workers=2, known=[known]) as engine:
        ((_, _, lock),) = engine.run(Holding(known), jobs)
        assert lock == "held"
        with pytest.raises(TypeError, match="pickle"):
            engine.run(Holding(threading.Lock()), jobs)


class Holding:
    """A task that refers to a lock."""

    def __init__(self, lock: object) -> None:
        self.lock = lock

    def __call__(self, model: nn.Module, job: int) -> tuple[int, int, str]:
        with self.lock:  # type: ignore[attr-defined]
            return 0, 0, "held"


@processes
def test_the_effort_of_the_processes_is_known() -> None:
    with ProcessEngine(linear, workers=2) as engine:
        assert engine.helpers() == (0, 0)
        list(engine.run(_burn, range(2)))
        cpu_seconds, peak_bytes = engine.helpers()
    assert cpu_seconds >= 0.05
    assert peak_bytes > 1e7


def _burn(model: nn.Module, job: int) -> None:
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass


def _die(model: nn.Module, job: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@processes
def test_a_process_that_dies_is_named() -> None:
    with ProcessEngine(linear, workers=2) as engine, pytest.raises(WorkerDiedError, match=r"exit code -9.*--workers"):
        list(engine.run(_die, range(2)))


def _interrupt_itself(model: nn.Module, job: int) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    return job


@processes
def test_an_interrupt_is_its_parents_affair() -> None:
    with ProcessEngine(linear, workers=2) as engine:
        assert list(engine.run(_interrupt_itself, range(3))) == [0, 1, 2]


class UnsendableError(Exception):
    """An error that can be pickled but not made again."""

    def __init__(self, one: object, two: object) -> None:
        super().__init__("unsendable")


def _fail_oddly(model: nn.Module, job: int) -> None:
    raise UnsendableError(1, 2)


@processes
def test_an_error_that_cannot_be_sent_is_told() -> None:
    with ProcessEngine(linear, workers=1) as engine, pytest.raises(RuntimeError, match="UnsendableError: unsendable"):
        list(engine.run(_fail_oddly, [0]))


ORPHANS = """
import multiprocessing, os, signal
from minizerofl import nn
from minizerofl.fl.engines import ProcessEngine
def report(model, job):
    os.write(1, b"%d\\n" % os.getpid())  # at once: two of them may be written at the same time
    together.wait()  # so that both get a job
    if job > 1:
        signal.pause()  # at work when the signal comes
if __name__ == "__main__":
    together = multiprocessing.get_context("fork").Barrier(2)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell begins without
    with ProcessEngine(nn.Flatten, workers=2) as engine:
        list(engine.run(report, range(4)))
"""


@processes
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_no_process_outlives_its_engine(name: str) -> None:
    command, pipe = [sys.executable, "-c", ORPHANS], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as child:
        assert child.stdout is not None
        workers: set[int] = set()
        try:
            workers |= {int(child.stdout.readline()) for _ in range(4)}
            child.send_signal(getattr(signal, name))
            _, err = child.communicate(timeout=30)  # up to the end of all who could write
        finally:
            child.kill()
            for worker in workers:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
    assert len(workers) == 2
    assert err.count("Traceback") == (name == "SIGINT")  # that of the parent


LEFT_OPEN = """
import sys
from minizerofl import nn
from minizerofl.fl import engines
def answer(model, job):
    return job
results = engines.ENGINES[sys.argv[1]](nn.Flatten, 2, [answer]).run(answer, range(5))
print(next(results))
"""


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_a_program_ends_although_an_engine_is_open(engine: str) -> None:
    command = [sys.executable, "-c", LEFT_OPEN, engine]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "0\n"


@given(
    arrays=st.lists(hnp.arrays(st.sampled_from([np.float32, np.int64, np.bool_]), hnp.array_shapes(max_side=9))),
    message=st.binary(),
    room=st.integers(1, 2000),
    copy=st.booleans(),
)
def test_parcels_round_trip(arrays: list[np.ndarray], message: bytes, room: int, copy: bool) -> None:
    memory = mmap(-1, room)
    update = Update("writer", 3, message, 0.5)
    parcel = pack((arrays, update), memory)
    found, received = unpack(parcel, memory, copy=copy)
    for ours, theirs in zip(arrays, found, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    assert received == update


def test_a_copy_stays_when_the_memory_is_written_to() -> None:
    memory = mmap(-1, 1000)
    parcel = pack((np.arange(10), Update("writer", 3, b"message", 0.5)), memory)
    array, update = unpack(parcel, memory, copy=True)
    memory[:] = bytes(1000)
    np.testing.assert_array_equal(array, np.arange(10))
    assert update.message == b"message"
    assert type(update.message) is bytes
