"""Whole federated training, several contestants side by side: ours, dense and sparse, and dense PyTorch.

All begin with the same weights, sample the same clients and train on the same mini-batches, in the same number of
workers of one thread each. They take turns, a round each, so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

from minizerofl.fl import ConfigError, DivergedError, Settings, Simulation
from minizerofl.fl.data import FederatedData
from minizerofl.fl.events import Event, KernelCompiled
from minizerofl.fl.round import Round
from minizerofl_cli.bench.peer_federation import PeerFederation
from minizerofl_cli.runs.calibration import read_calibration

TORCH, DENSE = "torch", "dense"
VALIDATION = 2000  # validation samples that choose a learning rate
Say = Callable[[str], None]


@dataclass
class Contestant:
    """One way to train.

    Attributes
    ----------
    name : str
        "torch", "dense" or "sparse 0.95".
    settings : Settings
        How it trains.
    searched : dict of float to float
        The validation accuracy, 0 to 1, of each first learning rate that was tried; NaN if it diverged.
    rounds : list of Round
        The rounds of the race.
    """

    name: str
    settings: Settings
    searched: dict[float, float] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)

    def with_rate(self, rate: float) -> Settings:
        """Return the settings with another first learning rate; the last one keeps its ratio to it.

        Examples
        --------
        >>> changed = Contestant("dense", Settings(lr_start=0.2, lr_end=0.1)).with_rate(0.4)
        >>> changed.lr_start, changed.lr_end
        (0.4, 0.2)
        """
        s = self.settings
        return replace(s, lr_start=rate, lr_end=s.lr_end * (rate / s.lr_start))


class Federation:
    """The data and the model that all contestants train with.

    Parameters
    ----------
    data : FederatedData
        The clients and their samples.
    model : str
        Name of the model.
    workers : int
        How many clients train at once.

    Attributes
    ----------
    compiled : float
        Seconds in which kernels were compiled so far.
    layouts : set of str
        How images and weights of PyTorch lay in memory.
    """

    def __init__(self, data: FederatedData, model: str, workers: int) -> None:
        self.data = data
        self.model = model
        self.workers = workers
        self.compiled = 0.0
        self.layouts: set[str] = set()

    def run(self, name: str, settings: Settings) -> Iterator[Round]:
        """Return the rounds of a contestant, which is trained while they are asked for."""
        simulation = Simulation(self.data, self.model, settings, self.workers, "processes", read_calibration())
        if name != TORCH:
            return simulation.run(self._note)
        peer = PeerFederation(simulation)
        self.layouts.add(peer.layout)
        return peer.run()

    def _note(self, event: Event) -> None:
        if isinstance(event, KernelCompiled):
            self.compiled += event.seconds


def search(federation: Federation, contestant: Contestant, rates: Sequence[float], say: Say) -> None:
    """Give a contestant the first learning rate that is best on validation samples after all rounds.

    Parameters
    ----------
    federation, contestant : Federation, Contestant
        Who trains on what.
    rates : sequence of float
        What is tried, each in a whole run.
    say : callable
        Shows a line.

    Raises
    ------
    ConfigError
        There are no validation samples, or every rate diverges.
    """
    for rate in rates:
        settings = contestant.with_rate(rate)
        trial = replace(settings, eval_every=settings.rounds, validation_samples=VALIDATION)
        try:
            (last,) = deque(federation.run(contestant.name, trial), maxlen=1)
        except DivergedError:
            contestant.searched[rate] = math.nan
            say(f"  {contestant.name}, LR {rate:g}: diverged")
            continue
        if not last.validation:
            raise ConfigError("--search-lr: these data have no validation samples; give the learning rates by --lr")
        contestant.searched[rate] = last.validation.accuracy
        say(f"  {contestant.name}, LR {rate:g}: validation {100 * last.validation.accuracy:.1f} %")
    found = {rate: accuracy for rate, accuracy in contestant.searched.items() if not math.isnan(accuracy)}
    if not found:
        raise ConfigError(f"--search-lr: {contestant.name} diverged with every learning rate; try smaller ones")
    contestant.settings = contestant.with_rate(max(found, key=found.__getitem__))


def race(federation: Federation, contestants: Sequence[Contestant], say: Say) -> None:
    """Let all contestants train; every second round goes through them backwards.

    Raises
    ------
    DivergedError
        One of them diverged; the message names it.
    """
    rounds = contestants[0].settings.rounds
    with ExitStack() as stack:
        runs = {}
        for each in contestants:
            runs[each.name] = run = federation.run(each.name, each.settings)
            stack.enter_context(closing(run))  # type: ignore[type-var]  # Both are generators.
        for t in range(1, rounds + 1):
            for each in contestants if t % 2 else reversed(contestants):
                try:
                    each.rounds.append(next(runs[each.name]))
                except DivergedError as error:
                    raise DivergedError(f"{each.name}: {error}", error.round, error.outcomes) from error
            say(f"  round {t}/{rounds}: " + ", ".join(_progress(each) for each in contestants))


def _progress(contestant: Contestant) -> str:
    score = contestant.rounds[-1].score
    accuracy = f" {100 * score.accuracy:.1f} %" if score else ""
    return f"{contestant.name}{accuracy} {Spent.of(contestant.rounds).seconds:.1f} s"


@dataclass(frozen=True)
class Spent:
    """What some rounds took.

    Attributes
    ----------
    rounds : int
        How many.
    seconds : float
        Wall time of training and averaging.
    seconds_with_evaluation : float
        The same, with the evaluations.
    uplink_bytes, both_bytes : int
        Bytes that the clients sent, and those with what the server sent.
    """

    rounds: int
    seconds: float
    seconds_with_evaluation: float
    uplink_bytes: int
    both_bytes: int

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> Spent:
        """Add up.

        Examples
        --------
        >>> Spent.of([Round(1, 0.1, (), 0.0, 0, 1.0, train_seconds=2.0, eval_seconds=1.0)] * 2)
        Spent(rounds=2, seconds=4.0, seconds_with_evaluation=6.0, uplink_bytes=0, both_bytes=0)
        """
        up = sum(each.uplink_bytes for each in rounds)
        return cls(
            len(rounds),
            sum(each.train_seconds + each.aggregate_seconds for each in rounds),
            sum(each.seconds for each in rounds),
            up,
            up + sum(each.downlink_bytes for each in rounds),
        )


def spent_to(rounds: Sequence[Round], target: float) -> Spent | None:
    """Return what it took until a test accuracy, in %, was first reached; None if it was not.

    Examples
    --------
    >>> from minizerofl.fl.measures.evaluation import Evaluation
    >>> rounds = [Round(t, 0.1, (), 0.0, 0, 1.0, score=Evaluation(100, t / 10)) for t in range(1, 9)]
    >>> spent_to(rounds, 70).rounds, spent_to(rounds, 81)
    (7, None)
    """
    for n, each in enumerate(rounds, 1):
        if each.score and round(100 * each.score.accuracy, 9) >= target:
            return Spent.of(rounds[:n])
    return None
