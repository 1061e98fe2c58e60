"""The thread engine: order, errors, models of its own, one BLAS thread."""

import threading
from collections.abc import Callable

import pytest
from threadpoolctl import threadpool_info

from minizerofl import nn
from minizerofl.fl.engines import ThreadEngine


def test_results_come_in_the_order_of_the_jobs_whoever_is_first() -> None:
    late = threading.Event()

    def job(model: nn.Module, number: int) -> int:
        if number == 0:
            late.wait(10)
        elif number == 3:
            late.set()
        return number

    with ThreadEngine(nn.Flatten, workers=2) as engine:
        assert list(engine.run(job, range(5))) == [0, 1, 2, 3, 4]


def test_each_worker_has_a_model_to_itself() -> None:
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


def test_an_error_comes_out_and_later_jobs_are_dropped() -> None:
    ran = []
    over = threading.Event()

    def job(model: nn.Module, number: int) -> None:
        ran.append(number)
        if number == 1:
            raise ZeroDivisionError
        if number > 1:
            over.wait(10)

    def go() -> None:
        with ThreadEngine(nn.Flatten, workers=1) as engine:
            list(engine.run(job, range(100)))

    with pytest.raises(ZeroDivisionError):
        go()
    over.set()
    assert ran in ([0, 1], [0, 1, 2])


def test_blas_is_held_to_one_thread_and_released(monkeypatch: pytest.MonkeyPatch) -> None:
    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with ThreadEngine(nn.Flatten, workers=2):
        assert set(threads()) <= {1}
    assert threads() == before


@pytest.mark.parametrize("function", [str, repr])
def test_jobs_may_be_any_sequence(function: Callable) -> None:
    with ThreadEngine(nn.Flatten, workers=2) as engine:
        assert list(engine.run(lambda model, job: function(job), ("a", 1))) == [function("a"), function(1)]
