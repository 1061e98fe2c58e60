"""A run from beginning to end: data, simulation, directory, and what is said on the way."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from minizerofl.fl import Round, SavedModel, Simulation
from minizerofl.fl.rundir import RunDirectory, run_name
from minizerofl_cli.dataset import first_lines, kind, load
from minizerofl_cli.environment import environment
from minizerofl_cli.errors import message
from minizerofl_cli.interrupts import Interrupted, Interrupts
from minizerofl_cli.plan import MODELS, Plan
from minizerofl_cli.plot import plot_history
from minizerofl_cli.progress import MB, Screen, round_line, saving, screen
from minizerofl_cli.scores import majority_class
from minizerofl_datasets import FederatedDataset


def conduct(plan: Plan, interrupts: Interrupts) -> Path:
    """Train, and leave everything behind in a run directory.

    Parameters
    ----------
    plan : Plan
        What to do.
    interrupts : Interrupts
        Decides when a signal may stop it.

    Returns
    -------
    Path
        The run directory.

    Raises
    ------
    Interrupted
        A signal came. The last complete round is kept.
    """
    with screen(plan.settings.rounds) as shown:
        with interrupts.allowed():
            data = load(plan.dataset, plan.source, plan.data_dir, plan.polarity, plan.partition_seed, plan.clients)
            opening = first_lines(data, plan.source)
            for line in opening:
                shown.say(line)
            simulation = Simulation(
                data, MODELS[plan.dataset], plan.settings, plan.workers, num_classes=len(data.class_names)
            )
            partition = {client: (data.num_train(client), data.num_test(client)) for client in data.clients}
            majority = majority_class(data.test()[1])
        directory = RunDirectory(
            plan.runs_dir,
            run_name(data.name, data.source, plan.settings),
            source=data.source,
            config=plan.config(data, simulation.model_arguments),
            environment=environment(),
            partition=partition,
            summary={"dataset": data.name, "rounds": plan.settings.rounds, "majority_accuracy": majority.share},
        )
        run = _Run(plan, data, simulation, directory, shown)
        run.train(interrupts, opening)
        run.say_result(majority.share)
    return directory.path


class _Run:
    """A run that has its directory."""

    def __init__(
        self, plan: Plan, data: FederatedDataset, simulation: Simulation, directory: RunDirectory, shown: Screen
    ) -> None:
        self.plan = plan
        self.data = data
        self.simulation = simulation
        self.directory = directory
        self.shown = shown
        self.state = simulation.state
        self.rounds: list[Round] = []

    def say(self, line: str) -> None:
        """Show a line and log it."""
        self.shown.say(line)
        self.directory.log(line)

    def train(self, interrupts: Interrupts, opening: list[str]) -> None:
        """Run the rounds; whatever ends them, keep the last complete one and write down how it ended."""
        try:
            for line in opening:
                self.directory.log(line)
            self.say(f"Run directory: {self.directory.path}")
            for line in self.plan.introduce(self.data):
                self.say(line)
            stop = self._run_rounds(interrupts)
            self._keep()
            self.directory.finish("interrupted" if stop else "finished", str(stop or ""))
        except Exception as error:
            reason = message(error)
            with suppress(OSError):  # a full disk may be what ended the run
                self.directory.finish("failed", reason)
            with suppress(OSError):
                self.directory.log(f"Failed: {reason}")
                self._keep()
            raise
        if stop:
            raise stop

    def say_result(self, majority_accuracy: float) -> None:
        """Say how good the final model is, what it cost, and what to do next."""
        score = self.rounds[-1].score
        if score is None:
            return
        sent, dense = (sum(getattr(round, name) for round in self.rounds) for name in ("uplink_bytes", "dense_bytes"))
        self.say(
            f"Final test accuracy {100 * score.accuracy:.1f} % (majority class {100 * majority_accuracy:.1f} %; "
            f"{score.samples:,} images of {kind(self.data.source)}, sparse weights); "
            f"total uplink {sent / MB:,.1f} MB, {saving(dense, sent)}."
        )
        self.say(f"Everything is in {self.directory.path}; next: minizerofl eval {self.directory.path}")

    def _run_rounds(self, interrupts: Interrupts) -> Interrupted | None:
        rounds = self.simulation.run()
        try:
            while True:
                with interrupts.allowed():
                    round = next(rounds, None)
                if round is None:
                    return None
                # Kept here as well: a signal may come when the next round has replaced the state but is not recorded.
                self.state = self.simulation.state
                self.rounds.append(round)
                self.directory.record(round)
                self.say(round_line(round, self.plan.settings.rounds, self._eta_seconds()))
                self.shown.advance()
        except Interrupted as stop:
            done = len(self.rounds)
            self.say(f"Interrupted; {f'the model of round {done} is kept' if done else 'no round was complete'}.")
            return stop

    def _eta_seconds(self) -> float:
        seconds = [round.train_seconds + round.eval_seconds for round in self.rounds]
        steady = seconds[1:] or seconds  # the first one compiles
        return sum(steady) / len(steady) * (self.plan.settings.rounds - len(seconds))

    def _keep(self) -> None:
        """Write the model and the picture."""
        if not self.rounds:
            return
        scores = [round.score for round in self.rounds if round.score]
        about = {
            **self.plan.about(self.data),
            "rounds": len(self.rounds),
            "test_accuracy": scores[-1].accuracy if scores else None,
        }
        model = self.simulation
        self.directory.save(SavedModel(model.model_name, model.model_arguments, self.state, about))
        path, title = self.directory.path, self.plan.title(self.data.source)
        plot_history(path / "history.csv", title, path / "accuracy.png")
