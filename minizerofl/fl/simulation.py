"""The federation in one process: algorithm 1 of the paper (section 5), with what it takes to measure and repeat a run.

`Simulation._round` is the round, line by line. Each line is a module of its own: clients are sampled (`sampling`), each
trains from the global model (`turn`, `client`) and sends what its `uplink` selects, the server adds the updates up
(`intake`, `aggregator`), makes the new global model of their average (`uplink`, `server`), and evaluates it
(`measures.evaluator`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Literal

from minizerofl.choices import SERVERS, UPLINKS
from minizerofl.fl.aggregator import Aggregator
from minizerofl.fl.data import FederatedData, describe
from minizerofl.fl.downlink import Downlink, encode_state
from minizerofl.fl.engines import ENGINES, Engine, ThreadEngine
from minizerofl.fl.engines.news import report
from minizerofl.fl.errors import CheckpointError, ConfigError, DivergedError
from minizerofl.fl.events import Callback, EvaluationStarted, RoundEnded, RoundStarted, StopRun, tell, wants_to_stop
from minizerofl.fl.files.checkpoint import Best, Checkpoint
from minizerofl.fl.intake import Intake
from minizerofl.fl.measures.costs import EffortMeter
from minizerofl.fl.measures.evaluation import Evaluation
from minizerofl.fl.measures.evaluator import Evaluator, Scores, score
from minizerofl.fl.measures.masks import Masks, kept_masks
from minizerofl.fl.measures.stopwatch import Stopwatch
from minizerofl.fl.payload import Array, State, num_bytes
from minizerofl.fl.quorum import check_finite, check_quorum
from minizerofl.fl.record import record
from minizerofl.fl.round import Outcome, Round
from minizerofl.fl.sampling import check_population, sample_clients
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.settings import Settings
from minizerofl.fl.survey import Survey
from minizerofl.fl.turn import Answer, Invitation, Turn
from minizerofl.fl.uplinks import ServerContext
from minizerofl.models.builder import Argument, Builder, construct, find
from minizerofl.models.setup import batch_norm_names, begin_with, initial_weights
from minizerofl.nn import Module, sparse_weights
from minizerofl.nn.paths import choose_paths, set_dense_layers
from minizerofl.optim import ExponentialDecay
from minizerofl.shown import Facts, Shown, megabytes, named

__all__ = ["Round", "Simulation"]


class Simulation(Shown):
    """A federated run of ZeroFL.

    Parameters
    ----------
    data : FederatedData
        The clients and their samples.
    model : str or callable
        A name of `minizerofl.models.MODELS`, "package.module:builder", or a builder: a function or class of your own
        that returns a Module. It has the parameters `sparsity` and `seed`; if it has `num_classes`, `in_channels` or
        `input_shape` (C, H, W), it gets those of the data.
    settings : Settings
        The settings.
    workers : int
        How many clients train at once. The result does not depend on it.
    engine : {"threads", "processes"} or callable
        Where they train. Processes are faster for small models, see `minizerofl.fl.engines.ProcessEngine`; where the
        system has none that serve, threads are used instead. A callable gets the simulation, and returns an engine of
        another kind, such as `minizerofl.fl.engines.remote.RemoteEngine`.
    break_even : mapping of str to float, optional
        The densities above which the dense path of a layer is faster on this machine, see `choose_paths`.
    initial : mapping of str to array, optional
        The weights to begin with, see `minizerofl.export.read_weights`. By default they are drawn.
    **model_arguments
        More arguments of the model's builder; they override what it would get.

    Attributes
    ----------
    model_name : str
        What a model file calls the model: its registered name, or "package.module:builder". A part in angle brackets,
        or the module ``__main__``, says that another process cannot import the builder.
    model_arguments : dict
        All arguments that the builder gets.
    settings : Settings
        The settings; "auto" in `dense_layers` has been replaced by the layers that were chosen.
    state : dict of str to array
        The global model after the last complete round.
    round : int
        The last complete round; 0 before the first.
    best : Best or None
        The round that did best on validation samples so far.
    rule : Selection
        The rule that layers, uplink, evaluation and masks ask.
    evaluator : Evaluator
        The samples of evaluations.
    initial_masks : dict of str to array
        The masks of the sparse layers before the first round, if masks are noted; see `minizerofl.fl.measures.masks`.

    Raises
    ------
    TooFewClientsError
        The data set has fewer clients with samples than a round needs.
    ChoiceError
        No model has that name, or a builder cannot be used or fails.
    TypeError
        `model` is a Module, or something else that builds none; or the builder does not know an argument.
    ConfigError
        `initial` is not the state of such a model, or the settings do not fit it.

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
        model: str | Builder,
        settings: Settings,
        workers: int = 1,
        engine: Literal["threads", "processes"] | Callable[[Simulation], Engine] = "threads",
        break_even: Mapping[str, float] | None = None,
        initial: Mapping[str, Array] | None = None,
        **model_arguments: Argument,
    ) -> None:
        self.data = data
        self.workers = workers
        self.engine = engine
        self.model_name, self._builder = find(model)
        self.setup = settings.setup()
        self.rule = self.setup.rule()
        offered = {**describe(data, signature(self._builder).parameters.keys() - model_arguments), **model_arguments}
        self.model_arguments = {"sparsity": settings.built_sparsity, "seed": settings.init_seed, **offered}
        if settings.dense_names is None:
            paths = choose_paths(self._bare_model(), settings.batch_size, break_even or {})
            settings = settings.with_dense_names(name for name, path in paths.items() if path == "dense")
        self.settings = settings
        first = self.build_model()
        self._begin(first, initial)
        self.round = 0
        self.best: Best | None = None
        self.sparse = sparse_weights(first)
        uplink = UPLINKS[settings.uplink]
        uplink.check(settings)
        self.uplink = uplink(settings.uplink_sparsities(self.sparse), settings.mask_ratio, self.rule)
        self.state: State = self.uplink.begin(first.state_dict())
        self.server = SERVERS[settings.server]([name for name, _ in first.named_parameters()], settings.server_lr)
        self.server_memory: State = {}
        self.client_memories: dict[str, State] = {}
        self._local = batch_norm_names(first) if settings.bn == "local" else frozenset[str]()
        if settings.bn == "local" and not self._local:
            raise ConfigError(f"bn is 'local', but {self.model_name} has no BatchNorm; leave it at 'global'")
        self.evaluator = Evaluator(data, settings)
        self.initial_masks = self.masks() if settings.masks_every else {}
        check_population(data, settings.clients_per_round)
        self._schedule = ExponentialDecay(settings.lr_start, settings.lr_end, settings.schedule)

    def _facts(self) -> tuple[str, Facts]:
        """Return what is shown of a simulation."""
        s = self.settings
        return f"simulation of {self.model_name} on {named(self.data)}", {
            "round": f"{self.round} of {s.rounds}",
            "clients": f"{len(self.data.clients):,}, {s.clients_per_round:,} a round",
            "uplink": s.uplink,
            "sparsity": s.sparsity,
            "mask ratio": s.mask_ratio,
            "model": megabytes(num_bytes(self.state)),
            "workers": self.workers,
        }

    def build_model(self) -> Module:
        """Build the model with its initial weights."""
        model = self._bare_model()
        try:
            set_dense_layers(model, self.settings.dense_names or ())
        except ValueError as error:
            raise ConfigError(f"dense_layers is {self.settings.dense_layers!r}: {error}") from error
        return model

    def _bare_model(self) -> Module:
        """Build the model, and leave the paths of its layers to themselves."""
        model = self._construct()
        self.setup.apply(model, self.rule)
        return model

    def _construct(self, **changed: Argument) -> Module:
        """Call the builder, some of its arguments changed."""
        return construct(self.model_name, self._builder, {**self.model_arguments, **changed})

    def _begin(self, first: Module, initial: Mapping[str, Array] | None) -> None:
        """Give the first model its weights, and let the rule note them; some rules ask all clients what matters."""
        try:
            begin_with(first, initial, self.rule)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"initial does not fit: {error}") from error
        survey = Survey(self._construct, self.setup, first.state_dict(), self.data, self.settings)
        self.rule.begin(initial_weights(first), survey)

    def run(self, callback: Callback | None = None) -> Iterator[Round]:
        """Run the remaining rounds; yield the record of each when it is complete.

        Parameters
        ----------
        callback : callable, optional
            Is told what happens while it happens, see `minizerofl.fl.events`, in the thread that asks for the rounds.
            What it raises ends the run and reaches the caller; only `StopRun` ends it without an error.

        Raises
        ------
        ClientCodeError
            All clients of a round failed with the same exception, which is the cause. `state` is that of the round
            before.
        DivergedError
            The global model is no longer finite, or at least as many updates were not finite as were accepted. `state`
            is that of the round before.
        TooFewClientsError
            Fewer updates were accepted than the quorum. `state` is that of the round before.
        """
        with suppress(StopRun), self.start_engine() as engine:
            for t in range(self.round + 1, self.settings.rounds + 1):
                with tell(callback, t):
                    record = self._round(engine, t)
                stop = wants_to_stop(callback, RoundEnded(record))
                yield record
                if stop:
                    return

    def checkpoint(self) -> Checkpoint:
        """Return what the run needs to go on after the last complete round."""
        clients = {f"client:{client}": memory for client, memory in self.client_memories.items()}
        return Checkpoint(self.round, self.state, {"server": self.server_memory, **clients}, self.best)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back, or forward, to a checkpoint.

        Raises
        ------
        CheckpointError
            It belongs to another model.
        """
        shapes = [
            {name: (value.shape, value.dtype) for name, value in s.items()} for s in (self.state, checkpoint.state)
        ]
        if shapes[0] != shapes[1]:
            raise CheckpointError(
                f"the checkpoint of round {checkpoint.round} belongs to another model than {self.model_name}"
            )
        self.round, self.state, self.best = checkpoint.round, checkpoint.state, checkpoint.best
        memory = dict(checkpoint.memory)
        self.server_memory = memory.pop("server", {})
        self.client_memories = {part.removeprefix("client:"): kept for part, kept in memory.items()}

    def turn(self, t: int, deadline: float = math.inf, sent: Downlink | None = None) -> Turn:
        """Return what the clients of round t are given: the model that was sent, or the state as it is now."""
        sent = sent or encode_state(self.state, self.sparse, self.settings, t, self.uplink.known_before(self.state))
        return Turn(t, self._schedule(t - 1), sent, self.data, self.uplink, self.settings, self._local, deadline)

    def masks_are_due(self, t: int) -> bool:
        """Whether the masks of a round are to be noted."""
        return self.settings.masks_every > 0 and t % self.settings.masks_every == 0

    def masks(self) -> Masks:
        """Return the masks of the sparse layers now."""
        return kept_masks(self.state, self.sparse, self.rule)

    def start_engine(self) -> Engine:
        """Return an engine that trains clients of this run; close it at the end of a ``with`` statement."""
        if callable(self.engine):
            return self.engine(self)
        if self.workers == 1:
            return ThreadEngine(self.build_model)
        known = [self.data, self.uplink, *self.evaluator.panels()]
        return ENGINES[self.engine](self.build_model, self.workers, known)

    def _round(self, engine: Engine, t: int) -> Round:
        """Run round t: algorithm 1 of the paper."""
        stopwatch, meter = Stopwatch(), EffortMeter(engine.helpers)
        s, uplink = self.settings, self.uplink
        clients = self._sample(t)
        report(RoundStarted(t, self.settings.rounds, tuple(clients)))
        turn = self.turn(t, time.monotonic() + s.round_deadline if s.round_deadline else math.inf)
        values, known = uplink.value_codec or s.values, uplink.known(turn.state) if self.rule.known else {}
        aggregator = Aggregator(self.state, uplink.differences, s.average, values, known)
        ctx = ServerContext(t, "", s.seed, dict(self.server_memory), s.schedule)
        intake = Intake(aggregator, partial(uplink.count, self.state, ctx), note_masks=self.masks_are_due(t))

        answers = self._train(engine, turn, clients)  # one after the other, in the order of sampling
        outcomes = intake.fold(stopwatch.each("training", answers))  # decoded, checked, and added with weight n_k
        check_quorum(t, outcomes, s.quorum, intake.crashes)
        ctx = replace(ctx, num_samples=aggregator.num_samples)
        plain = uplink.apply(self.state, aggregator.average(), ctx)  # what averaging alone gives
        state, server_memory = self.server.step(self.state, plain, ctx.memory)  # w_{t+1}
        check_finite(t, state, server_memory, outcomes)
        with stopwatch.phase("evaluation"):
            scores = self._evaluate(engine, t, state, outcomes)
        self._keep(t, state, server_memory, intake.memories, scores)

        return record(turn, state, self.sparse, aggregator, intake, scores, stopwatch, meter)

    def _sample(self, t: int) -> list[str]:
        """Draw the clients of a round."""
        s = self.settings
        return sample_clients(self.data, s.clients_per_round, generator(s.seed, t, "", Purpose.SAMPLE_CLIENTS))

    def _train(self, engine: Engine, turn: Turn, clients: Sequence[str]) -> Iterator[Answer]:
        """Let clients train from the global model; yield their answers in the order of sampling."""
        memories = self.client_memories
        invitations = [Invitation(name, place, memories.get(name, {})) for place, name in enumerate(clients)]
        yield from engine.run(turn, invitations, turn.sizes(invitations))

    def _evaluate(self, engine: Engine, t: int, state: State, outcomes: Sequence[Outcome]) -> Scores:
        """Evaluate a state if it is due: on test samples, on these with all weights, and on validation samples."""
        s = self.settings
        if t % s.eval_every and t != s.rounds:
            return Scores()
        test, held_out = self.evaluator.test(whole=t == s.rounds), self.evaluator.validation()
        report(EvaluationStarted(t, test.y.size))
        sparse, *validation = score(engine, state, [test, held_out] if held_out else [test])
        if not math.isfinite(sparse.loss):
            message = f"round {t}: the loss of the global model is {sparse.loss}; lower the learning rate"
            raise DivergedError(message, t, outcomes)
        dense = Evaluation()
        if s.eval_dense:
            arguments = {**self.model_arguments, "sparsity": 0.0}
            with ThreadEngine(
                lambda: construct(self.model_name, self._builder, arguments), self.workers
            ) as dense_engine:
                (dense,) = score(dense_engine, state, [test])
        return Scores(sparse, dense, *validation)

    def _keep(
        self, t: int, state: State, server_memory: State, client_memories: dict[str, State], scores: Scores
    ) -> None:
        """Begin the next round from here."""
        self.round, self.state, self.server_memory = t, state, server_memory
        self.client_memories |= client_memories
        validation = scores.validation
        if validation and (self.best is None or validation.accuracy > self.best.accuracy):
            self.best = Best(t, validation.accuracy)
