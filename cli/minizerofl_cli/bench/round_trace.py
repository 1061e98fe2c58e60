"""What `minizerofl trace --round` does: it trains for some rounds as `minizerofl train` does, while a clock runs."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from minizerofl.fl.files.rundir import RunDirectory
from minizerofl.fl.measures.clock import Clock, Span, running, timed
from minizerofl.fl.recipes import recipe
from minizerofl.fl.round import Round
from minizerofl_cli.bench.round_parts import FILES, TracedRound, training_lanes
from minizerofl_cli.bench.workload import DATASETS
from minizerofl_cli.runs.dataset import first_line
from minizerofl_cli.runs.plan import Plan, make_plan, rule
from minizerofl_cli.runs.run import Run, known_facts, prepare
from minizerofl_cli.screen.progress import ALWAYS, PlainScreen
from minizerofl_datasets.catalogue import CATALOGUE

WARM_UP = 1  # rounds before those that count: they compile kernels, and touch memory for the first time
RECIPE = "quick"


@dataclass(frozen=True)
class RoundTrace:
    """What was asked for; the attributes are options of the command."""

    dataset: str | None
    source: str | None
    data_dir: Path | None
    clients: int | None
    model: str | None
    weights: Path | None
    engine: Literal["threads", "processes"]
    workers: int | None
    rounds: int
    settings: dict[str, Any]


@dataclass(frozen=True)
class Traced:
    """What was traced.

    Attributes
    ----------
    opening : list of str
        Lines that say what was trained, and on which data.
    plan : Plan
        The run.
    rounds : list of TracedRound
        The rounds that count.
    """

    opening: list[str]
    plan: Plan
    rounds: list[TracedRound]

    @property
    def title(self) -> str:
        """What stands above the tables."""
        s, workers = self.plan.settings, self.rounds[0].workers
        if len(workers) == 1:
            who = "1 worker (thread)"
        else:
            who = f"{len(workers)} workers ({'threads' if workers[0][0] == os.getpid() else 'processes'})"
        return (
            f"{self.plan.model}, sp {s.sparsity:g}{rule(s)}, batch {s.batch_size}, {s.clients_per_round} clients, {who}"
        )


def trace_rounds(asked: RoundTrace) -> Traced:
    """Train for some rounds, and time them.

    The run is that of `minizerofl train` with the quick recipe: the same files are written, to a folder that is then
    removed. But each round is evaluated and leaves a checkpoint, which is written during the next one, so that all
    parts are seen.

    Parameters
    ----------
    asked : RoundTrace
        What.

    Raises
    ------
    ConfigError
        An option is out of its range.
    DataError, ModelFileError
        The data or the weights cannot be read.
    TooFewClientsError
        The data have fewer clients than a round needs.
    """
    clock, spans = Clock(), list[tuple[Round, list[Span]]]()
    with TemporaryDirectory() as folder, PlainScreen.opened(ALWAYS) as quiet:
        plan, data, simulation = prepare(_plan(asked, Path(folder)), quiet)
        simulation.engine = asked.engine
        directory = RunDirectory(
            plan.runs_dir,
            "traced",
            config=plan.config(data, simulation.model_arguments),
            **known_facts(plan, data, simulation),
        )
        run = Run(plan, data, simulation, directory, quiet)
        with running(clock), closing(simulation.run()) as rounds:  # type: ignore[type-var]  # It is a generator.
            for record in islice(rounds, WARM_UP + asked.rounds):
                with timed(FILES):
                    run.complete(record)
                spans.append((record, clock.take()))
        run.saver.wait()
    lanes = training_lanes(span for _, those in spans for span in those)
    lanes += [(0, i) for i in range(plan.workers - len(lanes))]  # those who never had anything to do
    traced = [TracedRound(record, those, lanes) for record, those in spans[WARM_UP:]]
    return Traced([first_line(data), _weights(plan)], replace(plan, model=simulation.model_name), traced)


def _plan(asked: RoundTrace, folder: Path) -> Plan:
    """Return the plan of the run."""
    dataset = asked.dataset or DATASETS.get(asked.model or "", "femnist")
    source = asked.source or ("synthetic" if asked.data_dir is None and dataset in CATALOGUE else "real")
    enough = max(recipe(dataset, RECIPE).rounds, WARM_UP + asked.rounds + 1)  # The last one evaluates all samples.
    return make_plan(
        RECIPE,
        dataset,
        source,
        asked.data_dir,
        "ink",
        asked.clients,
        seed=0,
        partition_seed=None,
        init_seed=None,
        workers=asked.workers,
        runs_dir=folder,
        checkpoint_every=1,
        model=asked.model,
        init_from=asked.weights,
        **asked.settings,
        rounds=enough,
        eval_every=1,
        masks_every=0,
    )


def _weights(plan: Plan) -> str:
    if plan.init_from is None:
        return f"weights: those of a fresh model after {WARM_UP} round of training (--weights RUN takes those of a run)"
    return f"weights: those of {plan.init_from}"
