"""The federation in one process: it only conducts; each part of a round is a module of its own.

A round: sample clients (`sampling`), each trains from the global state (`client`, `work`), its `uplink` selects what to
send, the `server` averages, the uplink turns the average into the new global state, and that is evaluated
(`evaluator`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from minizerofl.fl.aggregator import Aggregator
from minizerofl.fl.codecs import decode
from minizerofl.fl.data import FederatedData
from minizerofl.fl.engines import ENGINES, Engine, ThreadEngine
from minizerofl.fl.errors import CheckpointError, ConfigError, DivergedError, RefusedError
from minizerofl.fl.files.checkpoint import Best, Checkpoint
from minizerofl.fl.measures.costs import EffortMeter
from minizerofl.fl.measures.evaluation import Evaluation
from minizerofl.fl.measures.evaluator import Evaluator, score
from minizerofl.fl.measures.masks import Bits, Masks, mean_jaccard, note_sent, top_masks, union_density
from minizerofl.fl.payload import State, num_bytes
from minizerofl.fl.quorum import check_quorum
from minizerofl.fl.round import Outcome, Round
from minizerofl.fl.sampling import check_population, sample_clients
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.server import SERVERS
from minizerofl.fl.settings import Settings
from minizerofl.fl.turn import Call, Turn
from minizerofl.fl.uplinks import UPLINKS
from minizerofl.fl.work import Answer
from minizerofl.models import build
from minizerofl.nn import BatchNorm2d, Module, sparse_weights
from minizerofl.nn.paths import choose_paths, set_dense_layers
from minizerofl.optim import ExponentialDecay

__all__ = ["Round", "Simulation"]


@dataclass
class _Taken:
    """What came of a round's clients."""

    outcomes: list[Outcome] = field(default_factory=list)
    sent: dict[str, list[Bits]] = field(default_factory=dict)  # the masks of what they sent, by layer
    memories: dict[str, State] = field(default_factory=dict)  # what those that were accepted remember
    seconds: float = 0.0  # spent on folding


class Simulation:
    """A federated run of ZeroFL.

    Parameters
    ----------
    data : FederatedData
        The clients and their samples.
    model : str
        A name of `minizerofl.models.MODELS`.
    settings : Settings
        The settings.
    workers : int
        How many clients train at once. The result does not depend on it.
    engine : {"threads", "processes"}
        Where they train. Processes are faster with small models, see `minizerofl.fl.engines.ProcessEngine`; where there
        are none, threads are taken.
    break_even : mapping of str to float, optional
        The densities above which the dense path of a layer is faster on this machine, see `choose_paths`.
    **model_arguments
        More arguments of the model's builder, such as ``num_classes``.

    Attributes
    ----------
    settings : Settings
        The settings; which layers take the dense path is settled.
    state : dict of str to array
        The global state after the last complete round.
    round : int
        The last complete round; 0 before the first.
    best : Best or None
        The round that did best on validation samples so far.
    evaluator : Evaluator
        The samples of evaluations.
    initial_masks : dict of str to array
        The masks of the sparse layers before the first round, if masks are noted; see `minizerofl.fl.measures.masks`.

    Raises
    ------
    TooFewClientsError
        The data set has fewer clients with samples than a round needs.

    Examples
    --------
    >>> import minizerofl_datasets
    >>> data = minizerofl_datasets.load("femnist", source="synthetic", clients=2)
    >>> settings = Settings(rounds=1, clients_per_round=1, eval_samples=10)
    >>> for round in Simulation(data, "femnist_cnn", settings).run():
    ...     print(round.round, len(round.clients), round.score.samples == data.test()[1].size)
    1 1 True
    """

    def __init__(
        self,
        data: FederatedData,
        model: str,
        settings: Settings,
        workers: int = 1,
        engine: Literal["threads", "processes"] = "threads",
        break_even: Mapping[str, float] | None = None,
        **model_arguments: float,
    ) -> None:
        self.data = data
        self.workers = workers
        self.engine = engine
        self.model_name = model
        self.model_arguments = {"sparsity": settings.sparsity, "seed": settings.init_seed, **model_arguments}
        if settings.dense_layers == "auto":
            paths = choose_paths(build(model, **self.model_arguments), settings.batch_size, break_even or {})
            dense = ",".join(name for name, path in paths.items() if path == "dense")
            settings = replace(settings, dense_layers=dense or "none")
        self.settings = settings
        initial = self.build_model()
        self.state: State = initial.state_dict()
        self.round = 0
        self.best: Best | None = None
        self.sparse = sparse_weights(initial)
        self.uplink = UPLINKS[settings.uplink](self.sparse, settings.mask_ratio)
        self.server = SERVERS[settings.server]([name for name, _ in initial.named_parameters()], settings.server_lr)
        self.server_memory: State = {}
        self.client_memories: dict[str, State] = {}
        self._local = _batch_norm_names(initial) if settings.bn == "local" else frozenset[str]()
        if settings.bn == "local" and not self._local:
            raise ConfigError(f"bn is 'local', but {model} has no BatchNorm; leave it at 'global'")
        self.evaluator = Evaluator(data, settings)
        self.initial_masks = top_masks(self.state, self.sparse) if settings.masks_every else {}
        check_population(data, settings.clients_per_round)
        self._schedule = ExponentialDecay(
            settings.lr_start, settings.lr_end, settings.schedule_rounds or settings.rounds
        )

    def build_model(self) -> Module:
        """Build the model with its initial weights."""
        model = build(self.model_name, **self.model_arguments)
        names = self.settings.dense_layers
        try:
            set_dense_layers(model, [] if names == "none" else [name.strip() for name in names.split(",")])
        except ValueError as error:
            raise ConfigError(f"dense_layers is {names!r}: {error}") from error
        return model

    def run(self) -> Iterator[Round]:
        """Run all rounds that are left; yield what each did when it is complete.

        Raises
        ------
        DivergedError
            The global model is no longer finite, or most updates were not. `state` is the last good one.
        TooFewClientsError
            Fewer updates were accepted than the quorum. `state` is that of the round before.
        """
        with self._start_engine() as engine:
            for t in range(self.round + 1, self.settings.rounds + 1):
                yield self._round(engine, t)

    def checkpoint(self) -> Checkpoint:
        """Return what the run needs to go on after the last complete round."""
        clients = {f"client:{client}": memory for client, memory in self.client_memories.items()}
        return Checkpoint(self.round, self.state, {"server": self.server_memory, **clients}, self.best)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back, or forward, to a checkpoint.

        Raises
        ------
        CheckpointError
            It is another model's.
        """
        shapes = [
            {name: (value.shape, value.dtype) for name, value in s.items()} for s in (self.state, checkpoint.state)
        ]
        if shapes[0] != shapes[1]:
            raise CheckpointError(f"the checkpoint of round {checkpoint.round} is not one of {self.model_name}")
        self.round, self.state, self.best = checkpoint.round, checkpoint.state, checkpoint.best
        memory = dict(checkpoint.memory)
        self.server_memory = memory.pop("server", {})
        self.client_memories = {part.removeprefix("client:"): kept for part, kept in memory.items()}

    def turn(self, t: int, deadline: float = math.inf) -> Turn:
        """Return what the clients of round t would be given now."""
        return Turn(t, self._schedule(t - 1), self.state, self.data, self.uplink, self.settings, self._local, deadline)

    def masks_are_due(self, t: int) -> bool:
        """Whether the masks of a round are to be noted."""
        return self.settings.masks_every > 0 and t % self.settings.masks_every == 0

    def masks(self) -> Masks:
        """Return the masks of the sparse layers now."""
        return top_masks(self.state, self.sparse)

    def _start_engine(self) -> Engine:
        if self.workers == 1:
            return ThreadEngine(self.build_model)
        known = [self.data, self.uplink, *self.evaluator.panels()]
        return ENGINES[self.engine](self.build_model, self.workers, known)

    def _round(self, engine: Engine, t: int) -> Round:
        meter, started = EffortMeter(engine.helpers), time.perf_counter()
        aggregator = Aggregator(self.state, self.uplink.differences, self.settings.average)
        taken = self._take_in(engine, t, aggregator)
        check_quorum(t, taken.outcomes, self.settings.quorum)
        began = time.perf_counter()
        plain = self.uplink.apply(self.state, aggregator.average())
        state, server_memory = self.server.step(self.state, plain, self.server_memory)
        averaged = time.perf_counter()
        aggregating = taken.seconds + averaged - began
        test, dense, validation = self._evaluate(engine, state, t, taken.outcomes)

        accepted = [outcome for outcome in taken.outcomes if outcome.status == "accepted"]
        self.state, self.server_memory, self.round = state, server_memory, t
        self.client_memories |= taken.memories
        if validation and (self.best is None or validation.accuracy > self.best.accuracy):
            self.best = Best(t, validation.accuracy)
        dense_bytes = num_bytes(state)
        return Round(
            round=t,
            lr=self._schedule(t - 1),
            outcomes=tuple(taken.outcomes),
            train_loss=sum((o.train_loss or 0.0) * o.num_samples for o in accepted) / aggregator.num_samples,
            dense_bytes=dense_bytes * sum(outcome.uplink_bytes > 0 for outcome in taken.outcomes),
            downlink_bytes=dense_bytes * len(taken.outcomes),
            kept={name: aggregator.share_sent([name]) for name in self.sparse},
            kept_fraction=aggregator.share_sent(self.sparse),
            density=self._density(state),
            client_overlap={
                name: (union_density(masks, state[name].size), mean_jaccard(masks))
                for name, masks in taken.sent.items()
            },
            score=test,
            dense_score=dense,
            validation=validation,
            train_seconds=averaged - started - aggregating,
            aggregate_seconds=aggregating,
            eval_seconds=time.perf_counter() - averaged,
            effort=meter.read(),
        )

    def _take_in(self, engine: Engine, t: int, aggregator: Aggregator) -> _Taken:
        """Sample clients, let them train, and fold in each one's update when its turn comes."""
        s = self.settings
        turn = self.turn(t, time.monotonic() + s.round_deadline if s.round_deadline else math.inf)
        clients = sample_clients(self.data, s.clients_per_round, generator(s.seed, t, "", Purpose.SAMPLE_CLIENTS))
        calls = [Call(client, place, self.client_memories.get(client, {})) for place, client in enumerate(clients)]
        taken = _Taken()
        for answer in engine.run(turn, calls):
            began = time.perf_counter()
            outcome = self._fold(answer, aggregator)
            taken.outcomes.append(outcome)
            if outcome.status == "accepted" and answer.memory:
                taken.memories[outcome.client] = answer.memory
            if self.masks_are_due(t) and answer.update and outcome.status == "accepted":
                note_sent(taken.sent, decode(answer.update.message, aggregator.schema))
            taken.seconds += time.perf_counter() - began
        return taken

    def _fold(self, answer: Answer, aggregator: Aggregator) -> Outcome:
        """Fold an answer's update into the average, if it has one that can be used."""
        update = answer.update
        if update is None:
            return answer.outcome
        outcome = replace(answer.outcome, uplink_bytes=len(update.message))
        try:
            aggregator.fold(update)
        except RefusedError as error:
            return replace(outcome, status="refused", reason=str(error))
        return outcome

    def _evaluate(
        self, engine: Engine, state: State, t: int, outcomes: list[Outcome]
    ) -> tuple[Evaluation | None, Evaluation | None, Evaluation | None]:
        """Evaluate if it is due: on test samples, on those with all weights, on validation samples."""
        s = self.settings
        if t % s.eval_every and t != s.rounds:
            return None, None, None
        test, held_out = self.evaluator.test(whole=t == s.rounds), self.evaluator.validation()
        sparse, *validation = score(engine, state, [test, held_out] if held_out else [test])
        if not math.isfinite(sparse.loss):
            message = f"round {t}: the loss of the global model is {sparse.loss}; lower the learning rate"
            raise DivergedError(message, t, outcomes)
        dense = None
        if s.eval_dense:
            arguments = {**self.model_arguments, "sparsity": 0.0}
            with ThreadEngine(lambda: build(self.model_name, **arguments), self.workers) as dense_engine:
                (dense,) = score(dense_engine, state, [test])
        return sparse, dense, validation[0] if validation else None

    def _density(self, state: State) -> float:
        weights = [state[name] for name in self.sparse]
        entries = sum(weight.size for weight in weights)
        return sum(int(np.count_nonzero(weight)) for weight in weights) / entries if entries else 1.0


def _batch_norm_names(model: Module) -> frozenset[str]:
    """Name the parameters and running statistics of all BatchNorm layers."""
    layers = [(prefix, layer) for prefix, layer in model.named_modules() if isinstance(layer, BatchNorm2d)]
    return frozenset(f"{prefix}.{name}" if prefix else name for prefix, layer in layers for name in layer.state_dict())
