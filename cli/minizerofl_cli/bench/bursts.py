"""Bursts: contenders take turns of some seconds each, so that whatever else the machine does hits all alike.

Step by step turns would be fairer still to the machine's mood, but not to the contenders: each would find the other's
weights in the cache instead of its own. So a turn is a burst of steps, and its first ones do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter

from minizerofl.fl.engines import ENGINES
from minizerofl.nn import Module

Clock = Callable[[], float]

WARM_UP = 2  # steps of each burst that do not count
FEWEST = 3  # steps that count in each burst, however long they take


def _nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Contender:
    """Something that does training steps.

    Attributes
    ----------
    name : str
        What it is called in tables.
    steps : sequence of callable
        Each call is one training step. Several run at once, as clients do in training.
    prepare : callable
        Called there before the steps.
    """

    name: str
    steps: Sequence[Callable[[], object]]
    prepare: Callable[[], object] = _nothing

    def burst(self, seconds: float, clock: Clock = perf_counter, apart: bool = False) -> float:
        """Do steps for some seconds; return steps a second, all callables together.

        Each counts with its median step, so that a hiccup of the machine does not count.

        Parameters
        ----------
        seconds : float
            How long, at least.
        clock : callable
            Times a step.
        apart : bool
            Whether in other processes, see `alternate`.

        Examples
        --------
        >>> from time import sleep
        >>> 50 < Contender("sleep", [lambda: sleep(0.01)]).burst(0.05) <= 100
        True
        """
        with ENGINES["processes" if apart else "threads"](Module, len(self.steps), [self, clock]) as engine:
            times = engine.run(partial(self._time, seconds, clock), range(len(self.steps)))
            return sum(1 / median(each) for each in times)

    def _time(self, seconds: float, clock: Clock, model: Module, i: int) -> list[float]:
        """Return the seconds of one callable's steps; it has a model of its own."""
        step = self.steps[i]
        self.prepare()
        for _ in range(WARM_UP):
            step()
        times: list[float] = []
        end = perf_counter() + seconds
        while len(times) < FEWEST or perf_counter() < end:
            start = clock()
            step()
            times.append(clock() - start)
        return times


def alternate(
    contenders: Sequence[Contender], bursts: int, seconds: float, clock: Clock = perf_counter
) -> Iterator[tuple[int, dict[str, float]]]:
    """Let the contenders take turns; yield, after each round of turns, its number and everyone's steps a second.

    Every second round goes through them backwards, so that nobody always comes after the same other. If any has several
    callables, all run in processes: one that has run PyTorch in two threads itself cannot be forked any more.

    Examples
    --------
    >>> turns = []
    >>> contenders = [Contender(name, [lambda: None], lambda name=name: turns.append(name)) for name in "ab"]
    >>> rounds = [round for round, _ in alternate(contenders, bursts=2, seconds=0)]
    >>> rounds, turns
    ([1, 2], ['a', 'b', 'b', 'a'])
    """
    apart = any(len(contender.steps) > 1 for contender in contenders)
    for round in range(1, bursts + 1):
        order = contenders if round % 2 else tuple(reversed(contenders))
        yield round, {contender.name: contender.burst(seconds, clock, apart) for contender in order}
