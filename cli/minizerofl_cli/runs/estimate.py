"""What `minizerofl train --dry-run` says: the resolved config, and what the run would cost on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
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

STEPS = 4  # mini-batches that are tried; the first also compiles
ASKED = 1000  # clients whose sizes are looked up
IMAGES = 256  # test samples that are tried


def rehearse(plan: Plan, shown: Screen) -> Iterator[str]:
    """Try some mini-batches of one client and an evaluation; yield the config and the costs that follow.

    Parameters
    ----------
    plan : Plan
        The run.
    shown : Screen
        Where it is said which data it is, and what is going on.
    """
    plan, data, simulation = prepare(plan, shown)
    shown.doing("trying some mini-batches")
    yield ""
    yield from to_toml(plan.config(data, simulation.model_arguments)).split("\n")
    s = plan.settings
    sizes = [data.num_train(client) for client in islice(data.clients, ASKED)]
    steps = s.local_epochs * sum(-(-size // s.batch_size) for size in sizes) / len(sizes)
    with threadpool_limits(limits=1, user_api="blas"), watch_compiling(shown.compiling):
        step_seconds, macs, sent, around = _try_client(simulation)
        image_seconds, images = _try_evaluation(simulation)
    shown.compiling.over()
    client_seconds = steps * step_seconds + around
    clients = s.rounds * s.clients_per_round
    at_once = min(plan.workers, s.clients_per_round)
    evaluations = -(-s.rounds // s.eval_every)
    looked_at = evaluations * (min(images, s.eval_samples or images) + s.validation_samples) + images
    seconds = (clients * client_seconds + looked_at * image_seconds) / at_once
    dense = num_bytes(simulation.state)
    yield "Estimated costs of the whole run, from some mini-batches of one client just now:"
    messages = f"{clients:,} messages of {sent / MB:.2f} MB"
    yield f"uplink    {clients * sent / MB:,.0f} MB in {messages}, {saving(dense, sent)}"
    yield f"downlink  {clients * dense / MB:,.0f} MB, dense models"
    kept, whole = (clients * steps * each for each in (macs.kept, macs.dense))
    yield f"training  {kept:.2e} multiply-adds, {whole / kept:.1f}x fewer than the {whole:.2e} of dense layers"
    yield f"time      {duration(seconds)} with {at_once} clients at once ({1000 * step_seconds:.0f} ms a mini-batch)"


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
