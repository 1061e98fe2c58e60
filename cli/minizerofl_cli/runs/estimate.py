"""What a run would cost on this machine, from some mini-batches of one client and an evaluation: `--dry-run`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from statistics import median

from threadpoolctl import threadpool_limits

from minizerofl.autograd.tensor import Tensor
from minizerofl.fl import Simulation, evaluate
from minizerofl.fl.files.toml import to_toml
from minizerofl.fl.measures.costs import Macs, count_macs
from minizerofl.fl.payload import num_bytes
from minizerofl.kernels.jit import watch_compiling
from minizerofl_cli.runs.plan import Plan
from minizerofl_cli.runs.run import prepare
from minizerofl_cli.screen.progress import MB, Screen, duration, saving
from minizerofl_cli.screen.pulse import What

STEPS = 4  # mini-batches that are tried; the first also compiles
ASKED = 1000  # clients whose sizes are looked up
IMAGES = 256  # test samples that are tried


@dataclass(frozen=True)
class Trial:
    """What was measured.

    Attributes
    ----------
    step_seconds, macs : float, Macs
        Wall time and multiply-adds of a mini-batch.
    message_bytes, dense_bytes : int
        Bytes of a client's message, and of the whole model.
    around_seconds : float
        What a client's turn takes beside its mini-batches.
    sample_seconds, test_samples : float, int
        Wall time of the evaluation of a test sample, and how many there are.
    sizes : tuple of int
        Training samples of some clients.
    """

    step_seconds: float
    macs: Macs
    message_bytes: int
    dense_bytes: int
    around_seconds: float
    sample_seconds: float
    test_samples: int
    sizes: tuple[int, ...]

    def steps(self, plan: Plan) -> float:
        """Return the mini-batches of a client in a round, on average."""
        s = plan.settings
        return s.local_epochs * sum(-(-size // s.batch_size) for size in self.sizes) / len(self.sizes)

    def seconds(self, plan: Plan, rounds: int) -> float:
        """Return the wall time of the last `rounds` rounds of a run."""
        s = plan.settings
        clients = rounds * s.clients_per_round * (self.steps(plan) * self.step_seconds + self.around_seconds)
        some = min(self.test_samples, s.eval_samples or self.test_samples) + s.validation_samples
        samples = -(-rounds // s.eval_every) * some + self.test_samples if rounds else 0
        return (clients + samples * self.sample_seconds) / min(plan.workers, s.clients_per_round)

    def disk_bytes(self, plan: Plan) -> int:
        """Return about how much a run leaves on the disk: the newest checkpoints, the best one and the model."""
        return (plan.keep_checkpoints + 2 if plan.keep_checkpoints else 1) * self.dense_bytes


def try_out(plan: Plan) -> Trial:
    """Try some mini-batches of one client and an evaluation."""
    shown = _Silent()
    _, _, simulation = prepare(plan, shown)
    return _try(simulation, shown)


def rehearse(plan: Plan, shown: Screen, more: Callable[[Plan, Trial], Iterable[str]] | None = None) -> Iterator[str]:
    """Try some mini-batches of one client and an evaluation; yield the config and the costs that follow.

    Parameters
    ----------
    plan : Plan
        The run.
    shown : Screen
        Where it is said which data it is, and what is going on.
    more : callable, optional
        Returns more lines, of the plan as it is settled and of what was measured.
    """
    plan, data, simulation = prepare(plan, shown)
    shown.doing("trying some mini-batches")
    trial = _try(simulation, shown)
    yield ""
    yield from to_toml(plan.config(data, simulation.model_arguments)).split("\n")
    clients = plan.settings.rounds * plan.settings.clients_per_round
    sent, dense, macs = trial.message_bytes, trial.dense_bytes, trial.macs
    yield "Estimated costs of the whole run, from some mini-batches of one client just now:"
    messages = f"{clients:,} messages of {sent / MB:.2f} MB"
    yield f"uplink    {clients * sent / MB:,.0f} MB in {messages}, {saving(dense, sent)}"
    first = len(simulation.turn(1).downlink.message)
    yield f"downlink  at most about {clients * first / MB:,.0f} MB: the first message has {first / MB:.2f} MB"
    kept, whole = (clients * trial.steps(plan) * each for each in (macs.kept, macs.dense))
    yield f"training  {kept:.2e} multiply-adds, {whole / kept:.1f}x fewer than the {whole:.2e} of dense layers"
    at_once, step = min(plan.workers, plan.settings.clients_per_round), 1000 * trial.step_seconds
    time = duration(trial.seconds(plan, plan.settings.rounds))
    yield f"time      {time} with {at_once} clients at once ({step:.0f} ms a mini-batch)"
    if more is not None:
        yield from more(plan, trial)


def estimate_all(left: Iterable[tuple[Plan, int]]) -> str:
    """Say about how long several runs take, one after the other, and how much disk they fill.

    Parameters
    ----------
    left : iterable of (Plan, int)
        Runs, and how many rounds of each are left.

    Returns
    -------
    str
        A line. Runs whose mini-batches cost the same are tried once.
    """
    trials: dict[str, Trial] = {}
    seconds = disk = 0.0
    runs = 0
    for plan, rounds in left:
        key = _cost_key(plan)
        if key not in trials:
            trials[key] = try_out(plan)
        seconds += trials[key].seconds(plan, rounds)
        disk += trials[key].disk_bytes(plan)
        runs += 1
    if not runs:
        return "Nothing is left to be run."
    return (
        f"Estimated for what is left: {duration(seconds)} and {disk / MB:,.0f} MB of disk, from some mini-batches just "
        "now."
    )


def _cost_key(plan: Plan) -> str:
    """Return what decides the cost of a mini-batch and of an evaluation."""
    s = plan.settings.resolved()
    data = (plan.dataset, plan.source, plan.data_dir, plan.clients, sorted(plan.options.items()), plan.model)
    sparsities = (s.sparsity, s.weight_sparsity, s.activation_sparsity, s.selection, s.selection_period)
    return repr((*data, *sparsities, s.batch_size, s.dense_layers, s.uplink, s.codec, s.values))


class _Silent(Screen):
    """A screen on which nothing appears: each run says itself on which data it runs."""

    def _show(self, line: str) -> None:
        pass

    def doing(self, what: What) -> None:
        """Say nothing."""

    def bar(self, done: float, rounds: int) -> None:
        """Show nothing."""


def _try(simulation: Simulation, shown: Screen) -> Trial:
    data = simulation.data
    sizes = tuple(data.num_train(client) for client in islice(data.clients, ASKED))
    with threadpool_limits(limits=1, user_api="blas"), watch_compiling(shown.compiling):
        step_seconds, macs, sent, around = _try_client(simulation)
        sample_seconds, samples = _try_evaluation(simulation)
    shown.compiling.over()
    return Trial(step_seconds, macs, sent, num_bytes(simulation.state), around, sample_seconds, samples, sizes)


def _try_client(simulation: Simulation) -> tuple[float, Macs, int, float]:
    """Return seconds and multiply-adds of a mini-batch, bytes of a message, and seconds around the training."""
    s = simulation.settings
    client = next(client for client in simulation.data.clients if simulation.data.num_train(client) > 0)
    x, y = simulation.data.train(client)
    x, y = x[: STEPS * s.batch_size], y[: STEPS * s.batch_size]
    model = simulation.build_model()
    simulation.turn(1).train(model, client, (x, y))  # compiles
    stamps, macs = [time.perf_counter()], Macs()

    def watch(loss: Tensor) -> None:
        nonlocal macs
        stamps.append(time.perf_counter())
        macs += count_macs(loss)

    update = simulation.turn(1).train(model, client, (x, y), watch)
    whole = time.perf_counter() - stamps[0]
    tried = len(stamps) - 1
    gaps = [after - before for before, after in pairwise(stamps[1:])]
    step = median(gaps) if gaps else whole
    return step, Macs(macs.kept // tried, macs.dense // tried), len(update.message), max(0.0, whole - tried * step)


def _try_evaluation(simulation: Simulation) -> tuple[float, int]:
    """Return the seconds that a test sample takes, and how many samples there are."""
    panel = simulation.evaluator.test(whole=True)
    some = panel.x[:IMAGES], panel.y[:IMAGES]
    model = simulation.build_model()
    evaluate(model, some)
    started = time.perf_counter()
    evaluate(model, some)
    return (time.perf_counter() - started) / some[1].size, panel.y.size
