"""Dense federated averaging in PyTorch, as its users write it: the same weights, clients and mini-batches as ours.

The loop is a dozen lines: load the global model, go through the mini-batches with `torch.optim.SGD`, send the whole
state, average it by samples. Workers are those of our own engines, one thread each, so that neither side gains by how
its processes are started and fed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl import DivergedError, Settings, Simulation
from minizerofl.fl.data import Augmenting, FederatedData
from minizerofl.fl.engines import ENGINES, Engine
from minizerofl.fl.measures.evaluation import Evaluation, summarise
from minizerofl.fl.measures.evaluator import CHUNK, Panel, Scores
from minizerofl.fl.measures.stopwatch import Stopwatch
from minizerofl.fl.payload import State, num_bytes
from minizerofl.fl.round import Outcome, Round
from minizerofl.fl.sampling import sample_clients
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.nn import Module
from minizerofl_cli.bench.bursts import Contender
from minizerofl_cli.bench.peer import LAYOUTS, PeerStep, network

TRIAL = 0.5  # seconds in which the faster layout of images and weights in memory is found


class PeerModel(Module):
    """A network of PyTorch in the form in which engines hold models.

    Parameters
    ----------
    network : torch.nn.Module
        The network.
    layout : {"NCHW", "channels_last"}
        How images and weights lie in memory.
    """

    def __init__(self, network: Any, layout: str) -> None:
        torch = import_module("torch")
        torch.set_num_threads(1)
        self.format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
        self.network = network.to(memory_format=self.format)

    def state_dict(self) -> State:
        """Return a copy of the state in PyTorch's layout, (outputs, ...); counts of batches are left out."""
        tensors = self.network.state_dict().items()
        contiguous = import_module("torch").contiguous_format
        return {name: t.clone(memory_format=contiguous).numpy() for name, t in tensors if t.is_floating_point()}

    def load(self, state: State) -> None:
        """Take over a state."""
        torch = import_module("torch")
        torch.set_num_threads(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # The arrays are read-only, and are only read.
            self.network.load_state_dict({name: torch.from_numpy(v) for name, v in state.items()}, strict=False)

    def images(self, x: NDArray[np.float32]) -> Any:
        """Return images (N, C, H, W) as a tensor of the layout."""
        return import_module("torch").from_numpy(x).contiguous(memory_format=self.format)


@dataclass(frozen=True)
class PeerTurn:
    """The turn of a client: local training from the global model."""

    round: int
    lr: float
    state: State
    data: FederatedData
    settings: Settings

    def __call__(self, model: PeerModel, client: str) -> tuple[float, State]:
        """Return the mean loss of the local training, and what the client sends."""
        torch, s = import_module("torch"), self.settings
        model.load(self.state)
        model.network.train()
        optimiser = torch.optim.SGD(model.network.parameters(), self.lr)
        rng = generator(s.seed, self.round, client, Purpose.SHUFFLE_BATCHES)
        augment_rng = generator(s.seed, self.round, client, Purpose.AUGMENT)
        x, y = self.data.train(client)
        total_loss = 0.0
        for _ in range(s.local_epochs):
            order = rng.permutation(y.size)
            for first in range(0, y.size, s.batch_size):
                batch = order[first : first + s.batch_size]
                inputs = self.data.augment(x[batch], augment_rng) if isinstance(self.data, Augmenting) else x[batch]
                logits = model.network(model.images(inputs))
                loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y[batch]))
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total_loss += loss.item() * batch.size
        return total_loss / (y.size * s.local_epochs), model.state_dict()


@dataclass(frozen=True)
class PeerScore:
    """The evaluation of a part of a panel; a model loads the state only once."""

    panel: Panel
    state: State
    _loaded: set[int] = field(default_factory=set)

    def __call__(self, model: PeerModel, first: int) -> tuple[NDArray[np.bool_], float]:
        """Return which samples are classified right, and the sum of their losses."""
        torch = import_module("torch")
        if id(model) not in self._loaded:
            model.load(self.state)
            self._loaded.add(id(model))
        x, y = self.panel.x[first : first + CHUNK], torch.from_numpy(self.panel.y[first : first + CHUNK])
        model.network.eval()
        with torch.inference_mode():
            logits = model.network(model.images(x))
            loss = torch.nn.functional.cross_entropy(logits, y, reduction="sum")
            return (logits.argmax(1) == y).numpy(), loss.item()


class PeerFederation:
    """The federated training of a simulation, with PyTorch in place of our layers.

    Parameters
    ----------
    simulation : Simulation
        Dense training with the uplink `full`, not yet begun: its data, settings, initial weights and evaluations.

    Attributes
    ----------
    layout : str
        How images and weights lie in memory: the faster way for this network.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.layout = self._faster_layout()

    def run(self) -> Iterator[Round]:
        """Yield the record of each round, as `Simulation.run` does.

        Raises
        ------
        DivergedError
            The loss of the global model is not finite.
        """
        simulation = self._simulation
        s, data = simulation.settings, simulation.data
        state = {name: np.ascontiguousarray(np.moveaxis(v, -1, 0)) for name, v in simulation.state.items()}
        bytes_each = num_bytes(state)
        engine_class = ENGINES["processes" if simulation.workers > 1 else "threads"]
        known = [data, *simulation.evaluator.panels()]
        with engine_class(lambda: PeerModel(self._network(), self.layout), simulation.workers, known) as engine:
            for t in range(1, s.rounds + 1):
                stopwatch, lr = Stopwatch(), simulation.turn(t).lr
                clients = sample_clients(data, s.clients_per_round, generator(s.seed, t, "", Purpose.SAMPLE_CLIENTS))
                samples = [data.num_train(client) for client in clients]
                task: Any = PeerTurn(t, lr, state, data, s)
                answers = engine.run(task, clients)
                average = {name: np.zeros_like(value) for name, value in state.items()}
                losses = []
                for n, (loss, sent) in zip(samples, stopwatch.each("training", answers), strict=True):
                    losses.append(loss)
                    for name, value in sent.items():
                        average[name] += value * np.float32(n / sum(samples))
                state = average
                with stopwatch.phase("evaluation"):
                    scores = self._evaluate(engine, t, state)
                yield Round(
                    round=t,
                    lr=lr,
                    outcomes=tuple(
                        Outcome(client, "accepted", num_samples=n, train_loss=loss, uplink_bytes=bytes_each)
                        for client, n, loss in zip(clients, samples, losses, strict=True)
                    ),
                    train_loss=float(np.average(losses, weights=samples)),
                    dense_bytes=bytes_each * len(clients),
                    downlink_bytes=bytes_each * len(clients),
                    kept_fraction=1.0,
                    score=scores.test,
                    validation=scores.validation,
                    train_seconds=stopwatch.seconds("training"),
                    eval_seconds=stopwatch.seconds("evaluation"),
                    aggregate_seconds=stopwatch.rest(),
                )

    def _evaluate(self, engine: Engine, t: int, state: State) -> Scores:
        """Evaluate a state if it is due, on the samples that ours are evaluated on."""
        s, evaluator = self._simulation.settings, self._simulation.evaluator
        if t % s.eval_every and t != s.rounds:
            return Scores()
        test = self._score(engine, state, evaluator.test(whole=t == s.rounds))
        if not math.isfinite(test.loss):
            raise DivergedError(f"round {t}: the loss of the global model is {test.loss}; lower the learning rate", t)
        held_out = evaluator.validation()
        return Scores(test, validation=self._score(engine, state, held_out) if held_out else Evaluation())

    @staticmethod
    def _score(engine: Engine, state: State, panel: Panel) -> Evaluation:
        task: Any = PeerScore(panel, state)
        return summarise(panel.y, panel.clients, engine.run(task, range(0, panel.y.size, CHUNK)))

    def _network(self) -> Any:
        return network(self._simulation.model_name, self._simulation.model_arguments)

    def _faster_layout(self) -> str:
        """Try both layouts on one mini-batch, each in a process of its own."""
        import_module("torch").set_num_threads(1)  # A process in which it had started threads could not be forked.
        data, size = self._simulation.data, self._simulation.settings.batch_size
        x, y = next(data.train(client) for client in data.clients if data.num_train(client))
        samples = np.resize(x, (size, *x.shape[1:])), np.resize(y, size)
        trials = {layout: Contender(layout, [PeerStep(self._network(), samples, size, layout)]) for layout in LAYOUTS}
        return max(trials, key=lambda layout: trials[layout].burst(TRIAL, apart=True))
