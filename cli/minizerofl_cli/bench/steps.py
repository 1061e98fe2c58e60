"""Step by step: sparse training against our own dense training and, if asked, against PyTorch's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from minizerofl_cli.bench.bursts import Clock, Contender, alternate
from minizerofl_cli.bench.peer import peers
from minizerofl_cli.bench.ratio import Quartiles, fastest, ratio
from minizerofl_cli.bench.workload import TOP_K, Workload

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
    selections : list of str
        The rules of selection, each with all sparsities.
    """

    model: str
    batch_size: int
    workers: int
    sparsities: list[float]
    rates: dict[str, list[float]]
    selections: list[str] = field(default_factory=lambda: [TOP_K])

    def opponents(self) -> list[str]:
        """Return what sparse training is compared with: our dense training, the fastest way of PyTorch, and top-k."""
        others = [name for name in self.rates if name.startswith("torch")]
        rules = [TOP_K] if TOP_K in self.selections and len(self.selections) > 1 else []
        return [DENSE, *([fastest(self.rates, others)] if others else []), *rules]

    def sparse(self) -> dict[str, tuple[float, str]]:
        """Return sparsity and rule of each contender that is sparse."""
        return {
            sparse_name(sparsity, rule): (sparsity, rule) for rule in self.selections for sparsity in self.sparsities
        }

    def against(self, name: str, opponent: str) -> Quartiles | None:
        """Return how many times as fast as an opponent a sparse contender is; None if it cannot be told from 1.

        The opponent "top-k" is that rule with the same sparsity.
        """
        if opponent == TOP_K:
            opponent = sparse_name(self.sparse()[name][0])
        return ratio(self.rates[name], self.rates[opponent])


def sparse_name(sparsity: float, selection: str = TOP_K) -> str:
    """Name the contender of a sparsity and a rule of selection.

    Examples
    --------
    >>> sparse_name(0.95), sparse_name(0.95, "block-8")
    ('sparse 0.95', 'sparse 0.95 block-8')
    """
    return f"sparse {sparsity:g}" + ("" if selection == TOP_K else f" {selection}")


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
    selections: Sequence[str] = (TOP_K,),
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
    selections : sequence of str
        Rules of selection, a contender each with every sparsity.
    """
    named = [(sparse_name(sparsity, rule), sparsity, rule) for rule in selections for sparsity in sparsities]
    contenders = [
        Contender(name, work.steps(sparsity, batch_size, workers, rule))
        for name, sparsity, rule in (*named, (DENSE, 0.0, TOP_K))
    ] + (peers(work, batch_size, workers) if torch else [])
    rates: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for round, turn in alternate(contenders, bursts, seconds, clock):
        for name, rate in turn.items():
            rates[name].append(rate)
        shown = ", ".join(f"{name} {turn[name]:.2f}" for name in rates)
        say(f"  burst {round}/{bursts}, steps a second: {shown}")
    return StepResult(work.name, batch_size, workers, list(sparsities), rates, list(selections))
