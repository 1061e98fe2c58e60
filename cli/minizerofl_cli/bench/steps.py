"""Step by step: sparse training against our own dense training and, if asked, against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from minizerofl_cli.bench.bursts import Clock, Contender, alternate
from minizerofl_cli.bench.peer import peers
from minizerofl_cli.bench.ratio import Quartiles, fastest, ratio
from minizerofl_cli.bench.workload import Workload

DENSE = "dense"


@dataclass(frozen=True)
class StepResult:
    """The bursts of one model, mini-batch and number of workers.

    Attributes
    ----------
    model : str
        The model.
    batch_size, workers : int
        Samples in a mini-batch; steps done at once, each with a model of its own.
    sparsities : list of float
        Those measured.
    rates : dict of str to list of float
        For each contender, steps a second in each round of bursts, all workers together.
    """

    model: str
    batch_size: int
    workers: int
    sparsities: list[float]
    rates: dict[str, list[float]]

    def opponents(self) -> list[str]:
        """Return what sparse training is compared with: our dense training, and the fastest way of PyTorch."""
        others = [name for name in self.rates if name.startswith("torch")]
        return [DENSE, *([fastest(self.rates, others)] if others else [])]

    def against(self, sparsity: float, opponent: str) -> Quartiles | None:
        """Return how many times as fast as an opponent; None if it cannot be told from 1."""
        return ratio(self.rates[sparse_name(sparsity)], self.rates[opponent])


def sparse_name(sparsity: float) -> str:
    """Name the contender of a sparsity.

    Examples
    --------
    >>> sparse_name(0.95)
    'sparse 0.95'
    """
    return f"sparse {sparsity:g}"


def measure_steps(
    work: Workload,
    batch_size: int,
    sparsities: Sequence[float],
    workers: int,
    bursts: int,
    seconds: float,
    torch: bool,
    clock: Clock,
    say: Callable[[str], None],
) -> StepResult:
    """Let all contenders take turns.

    Parameters
    ----------
    work : Workload
        The model and its images.
    batch_size, workers : int
        As of `StepResult`.
    sparsities : sequence of float
        A contender each.
    bursts : int
        Rounds of turns.
    seconds : float
        Length of a turn, at least.
    torch : bool
        Whether PyTorch takes part.
    clock : callable
        Times a step.
    say : callable
        Is told, after each round, what has been measured.
    """
    named = [(sparse_name(sparsity), sparsity) for sparsity in sparsities] + [(DENSE, 0.0)]
    contenders = [Contender(name, work.steps(sparsity, batch_size, workers)) for name, sparsity in named] + (
        peers(work, batch_size, workers) if torch else []
    )
    rates: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for round, turn in alternate(contenders, bursts, seconds, clock):
        for name, rate in turn.items():
            rates[name].append(rate)
        shown = ", ".join(f"{name} {turn[name]:.2f}" for name in rates)
        say(f"  burst {round}/{bursts}, steps a second: {shown}")
    return StepResult(work.name, batch_size, workers, list(sparsities), rates)
