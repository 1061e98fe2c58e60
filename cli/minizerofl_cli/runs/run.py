"""A run from beginning to end: data, simulation, directory, and what is said on the way."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from minizerofl.fl import Checkpoint, Round, SavedModel, Simulation
from minizerofl.fl.engines import Engine
from minizerofl.fl.errors import LostRoundError
from minizerofl.fl.files.naming import run_name
from minizerofl.fl.files.rundir import RunDirectory
from minizerofl.fl.measures.scores import majority_class
from minizerofl.fl.payload import State
from minizerofl.kernels.jit import watch_compiling
from minizerofl_cli.report.run_report import write_report_if_possible
from minizerofl_cli.runs.beginning import given_weights
from minizerofl_cli.runs.calibration import read_calibration
from minizerofl_cli.runs.dataset import introduce, kind, load, model_for, model_line
from minizerofl_cli.runs.environment import environment
from minizerofl_cli.runs.identity import sample_counts
from minizerofl_cli.runs.lock import locked
from minizerofl_cli.runs.places import note_latest
from minizerofl_cli.runs.plan import Plan
from minizerofl_cli.runs.saver import Saver
from minizerofl_cli.screen.errors import message
from minizerofl_cli.screen.interrupts import Interrupted, Interrupts
from minizerofl_cli.screen.pictures import plot_history
from minizerofl_cli.screen.progress import ALWAYS, MB, NORMAL, Screen, saving
from minizerofl_cli.screen.rounds import RoundWatch, UplinkLine, failure_lines, round_line
from minizerofl_datasets import FederatedDataset

RESUME = "minizerofl resume"
SMALL = 30 * MB  # a state up to here is saved after every round, a larger one after every tenth


class Nodes(Protocol):
    """Where clients are trained that are not trained on this machine, see `minizerofl_cli.cluster`."""

    resume: str  # the command that continues such a run

    def clients(self, data: FederatedDataset) -> FederatedDataset:
        """Return the data of the run: those that were loaded, or with other clients."""
        ...

    def engine(self, plan: Plan, simulation: Simulation) -> Engine:
        """Return the engine that trains the clients."""
        ...


def conduct(
    plan: Plan, interrupts: Interrupts, shown: Screen, name: str | None = None, nodes: Nodes | None = None
) -> Path:
    """Train, and leave everything behind in a run directory.

    Parameters
    ----------
    plan : Plan
        What to do.
    interrupts : Interrupts
        Decides when a signal may stop it.
    shown : Screen
        Where people read what happens.
    name : str, optional
        The name of the run directory; by default it says what the run is, and when it began.
    nodes : Nodes, optional
        Where the clients are trained. By default in processes on this machine.

    Returns
    -------
    Path
        The run directory.

    Raises
    ------
    Interrupted
        A signal came. The last complete round is kept.
    """
    shown.log_to(None)
    with interrupts.allowed():
        plan, data, simulation = prepare(plan, shown, nodes=nodes)
        known = known_facts(plan, data, simulation)
    plan = replace(plan, checkpoint_every=plan.checkpoint_every or _checkpoint_every(simulation))
    directory = RunDirectory(
        plan.runs_dir,
        name or run_name(data.name, data.source, plan.settings),
        config=plan.config(data, simulation.model_arguments),
        **known,
    )
    note_latest(plan.runs_dir if name is None else plan.runs_dir.parent, directory.path)
    with locked(directory.path):
        if plan.init_from is not None or plan.mask_from is not None:
            directory.save_initial(saved_model(simulation, simulation.checkpoint(), plan.about(data)))
        run = Run(plan, data, simulation, directory, shown, nodes.resume if nodes else RESUME)
        run.train(interrupts, [f"Run directory: {directory.path}", *plan.introduce(data)])
    return directory.path


def prepare(
    plan: Plan, shown: Screen, initial: State | None = None, nodes: Nodes | None = None
) -> tuple[Plan, FederatedDataset, Simulation]:
    """Load the data and set up the simulation, which settles the plan.

    `initial` are the weights to begin with; by default they are those that the plan asks for, see `given_weights`.
    """
    shown.doing(f"reading {plan.dataset}")
    data = load(
        plan.dataset,
        plan.source,
        plan.data_dir,
        plan.polarity,
        plan.partition_seed,
        plan.clients,
        say=shown.say,
        options=plan.options,
    )
    introduce(data, plan.source, shown)
    data = nodes.clients(data) if nodes else data
    shown.doing("setting up the model")
    model = model_for(data, plan.model)
    if initial is None:
        initial = given_weights(plan, data, model)
    with watch_compiling(shown.compiling):
        simulation = Simulation(
            data,
            model,
            plan.settings,
            plan.workers,
            partial(nodes.engine, plan) if nodes else "processes",
            read_calibration(),
            initial=initial,
        )
        plan.check_model(data, simulation)
    shown.say(model_line(data, plan.model))
    return replace(plan, settings=simulation.settings), data, simulation


def reopen(path: Path, plan: Plan, data: FederatedDataset, simulation: Simulation) -> RunDirectory:
    """Open the directory of an earlier run."""
    return RunDirectory.open(path, **known_facts(plan, data, simulation))


def known_facts(plan: Plan, data: FederatedDataset, simulation: Simulation) -> dict[str, Any]:
    """Return what a run directory is to say, as far as it follows from plan and data."""
    majority = majority_class(simulation.evaluator.test(whole=True).y)
    return {
        "source": data.source,
        "environment": environment(),
        "partition": sample_counts(data),
        "summary": {"dataset": data.name, "rounds": plan.settings.rounds, "majority_accuracy": majority.share},
        "layers": simulation.sparse,
    }


def _checkpoint_every(simulation: Simulation) -> int:
    return 1 if sum(value.nbytes for value in simulation.state.values()) <= SMALL else 10


class Run:
    """A run that has its directory.

    Parameters
    ----------
    plan : Plan
        What to do.
    data : FederatedDataset
        The data.
    simulation : Simulation
        New, or restored to the round after which the run is to go on.
    directory : RunDirectory
        Where everything is written.
    shown : Screen
        Where people read what happens.
    resume : str
        The command that continues the run.
    """

    def __init__(
        self,
        plan: Plan,
        data: FederatedDataset,
        simulation: Simulation,
        directory: RunDirectory,
        shown: Screen,
        resume: str = RESUME,
    ) -> None:
        self.plan = plan
        self.data = data
        self.simulation = simulation
        self.directory = directory
        self.directory.checkpoints.keep = plan.keep_checkpoints
        self.shown = shown
        self.resume = resume
        self._last = simulation.checkpoint()
        self.saver = Saver(directory.checkpoints, simulation.round)
        self._seconds: list[float] = []
        self._uplink = UplinkLine(f"{plan.settings.codec}, {plan.settings.values}")

    def say(self, line: str, level: int = NORMAL) -> None:
        """Show a line and log it."""
        self.shown.say(line, level)

    def train(self, interrupts: Interrupts, opening: list[str]) -> None:
        """Run the rounds; whatever ends them, keep the last complete one and write down how it ended.

        Parameters
        ----------
        interrupts : Interrupts
            Decides when a signal may stop it.
        opening : list of str
            What is said before the first round.
        """
        try:
            self._train(interrupts, opening)
        finally:
            self.shown.log_to(None)

    def _train(self, interrupts: Interrupts, opening: list[str]) -> None:
        try:
            self.shown.log_to(self.directory.log)
            for line in opening:
                self.say(line, ALWAYS if line.startswith("Note: ") else NORMAL)
            self.shown.hint("units", "MB = 1,000,000 bytes; accuracy and loss are those of test samples.")
            self.shown.bar(self.simulation.round, self.plan.settings.rounds)
            stop = self._run_rounds(interrupts)
            self._keep()
            self.directory.finish("interrupted" if stop else "finished", str(stop or ""))
            write_report_if_possible(self.directory.path, self.say)
            if not (stop or self.plan.keep_checkpoints):
                self.directory.checkpoints.clear()
        except Exception as error:
            reason = message(error)
            with suppress(OSError):  # a full disk may be what ended the run
                self.directory.finish("failed", reason)
            with suppress(OSError):
                self.directory.log(f"Failed: {reason}")
                if isinstance(error, LostRoundError):
                    self.directory.record_loss(error)
                self._keep()
                write_report_if_possible(self.directory.path, self.say)
            raise
        if stop:
            raise stop
        self._say_result()

    def _say_result(self) -> None:
        """Say how good the final model is, what it cost, and what to do next."""
        end = self.directory.summary
        if "test_accuracy" in end:
            sent, dense = end["cum_uplink_bytes"], end["cum_dense_uplink_bytes"]
            self.say(
                f"Final test accuracy {100 * end['test_accuracy']:.1f} % (majority class "
                f"{100 * end['majority_accuracy']:.1f} %, balanced {100 * end['balanced_accuracy']:.1f} %)",
                ALWAYS,
            )
            weights = ", with sparse weights" if self.simulation.settings.resolved().weight_sparsity else ""
            self.say(f"on {end['test_samples']:,} samples of {kind(self.data.source)}{weights}.", ALWAYS)
            self.say(f"Total uplink {sent / MB:,.1f} MB, {saving(dense, sent)}.", ALWAYS)
            if end["test_accuracy"] <= end["majority_accuracy"]:
                classes = self.data.class_names
                answer = classes[majority_class(self.simulation.evaluator.test(whole=True).y).label]
                self.say(
                    f"This model is no better than always answering {answer!r}: it has learned nothing useful "
                    f"(test loss {end['test_loss_nats']:.3g} nats; equal guesses have {math.log(len(classes)):.3g}).",
                    ALWAYS,
                )
        self.say(f"Everything is in {self.directory.path}; next:", ALWAYS)
        self.say(f"  minizerofl eval {self.directory.path}", ALWAYS)

    def _run_rounds(self, interrupts: Interrupts) -> Interrupted | None:
        rounds = self.simulation.run(RoundWatch(self.shown, self.plan.settings.local_epochs))
        try:
            while True:
                with interrupts.allowed():
                    round = next(rounds, None)
                if round is None:
                    return None
                self.complete(round)
        except Interrupted as stop:
            done = self._last.round
            what = f"the model of round {done} is kept; continue with {self.resume} {self.directory.path}"
            self.say(f"Interrupted; {what if done else 'no round was complete'}.", ALWAYS)
            return stop

    def complete(self, round: Round) -> None:
        """Write down what a round did, and begin to save a checkpoint if one is due; the one before is safe then."""
        self.saver.wait()
        state = self.simulation.state
        self._seconds.append(round.seconds)
        # Tables come before the checkpoint: what is ahead of a checkpoint can be cut off, what is missing is lost.
        if self.simulation.masks_are_due(round.round):
            sizes = {name: state[name].size for name in self.simulation.sparse}
            masks, initial = self.simulation.masks(), self.simulation.initial_masks
            self.directory.masks.add(round.round, masks, initial, sizes, round.client_overlap)
        self.directory.record(round, self.simulation.best)
        # Kept here as well: a signal may come when the next round has replaced the state but is not recorded.
        self._last = replace(self.simulation.checkpoint(), tables=self.directory.tables())
        best = self._last.best is not None and self._last.best.round == round.round
        if best or round.round % self.plan.checkpoint_every == 0:
            self._save()
        rounds = self.plan.settings.rounds
        self.shown.compiling.over()
        for line in self._uplink.lines(round):
            self.say(line)
        for line in failure_lines(round):
            self.say(line, ALWAYS)
        self.say(round_line(round, rounds, self._eta_seconds(rounds - round.round)))
        self.shown.bar(round.round, rounds)
        self.shown.doing("writing the files of the run")

    def _save(self) -> None:
        config = self.plan.decisive(self.data, self.simulation.model_arguments)
        self.saver.save(replace(self._last, config=config))

    def _eta_seconds(self, left: int) -> float | None:
        steady = self._seconds[1:]  # the first one also compiles and loads
        return sum(steady) / len(steady) * left if steady and left else None

    def _keep(self) -> None:
        """Write the last complete round: a checkpoint, the model and the picture."""
        if not self._last.round:
            return
        self._save()
        self.saver.wait()
        about = {
            **self.plan.about(self.data),
            "rounds": self._last.round,
            "test_accuracy": self.directory.summary.get("test_accuracy"),
        }
        self.directory.save(saved_model(self.simulation, self._last, about))
        path, title = self.directory.path, self.plan.title(self.data.source)
        try:
            plot_history(
                path / "history.csv", title, path / "accuracy.png", self.directory.summary["majority_accuracy"]
            )
        except Exception as error:  # Whatever keeps matplotlib from drawing: the run is whole without its picture.
            self.say(f"Note: accuracy.png cannot be drawn ({type(error).__name__}: {error}).", ALWAYS)


def saved_model(simulation: Simulation, checkpoint: Checkpoint, about: dict[str, object]) -> SavedModel:
    """Return the model of a checkpoint."""
    return SavedModel(simulation.model_name, simulation.model_arguments, checkpoint.state, about, simulation.setup)
