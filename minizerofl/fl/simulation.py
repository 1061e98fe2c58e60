"""The federation in one process: it only conducts; each part of a round is a module of its own.

A round: sample clients, each trains from the global state (`client`), its `uplink` selects what to send, the `server`
averages, the uplink turns the average into the new global state, and that is evaluated (`evaluation`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from minizerofl.fl.client import Client
from minizerofl.fl.data import FederatedData, Samples
from minizerofl.fl.engines import ThreadEngine
from minizerofl.fl.errors import DivergedError, TooFewClientsError
from minizerofl.fl.evaluation import Score, evaluate
from minizerofl.fl.payload import State, Update, count_kept_entries, num_bytes
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.server import Aggregator
from minizerofl.fl.settings import Settings
from minizerofl.fl.uplink import UPLINKS
from minizerofl.models import build
from minizerofl.nn import Module, sparse_weights
from minizerofl.optim import ExponentialDecay

CHUNK = 1024  # test samples that one worker evaluates at a time


@dataclass(frozen=True)
class Round:
    """What a round did.

    Attributes
    ----------
    round : int
        Counted from 1.
    lr : float
        The learning rate.
    clients : tuple of str
        The clients whose updates were accepted, in the order they were sampled.
    refused : tuple of str
        The clients whose updates were not finite.
    num_samples : int
        Training samples of the accepted clients.
    train_loss : float
        Mean cross-entropy during local training, weighted by samples, in nats.
    uplink_bytes : int
        What the clients sent, see `minizerofl.fl.payload.num_bytes`.
    dense_bytes : int
        What they would have sent as dense models.
    kept_fraction : float
        The share of the sparse layers' weights that was sent; less than 1 - sp + r where there were too few non-zeros,
        1 if they are sent whole.
    score : Score or None
        The evaluation of the new global model, if one was due.
    train_seconds, eval_seconds : float
        Wall time of training with aggregation, and of evaluation.
    """

    round: int
    lr: float
    clients: tuple[str, ...]
    refused: tuple[str, ...]
    num_samples: int
    train_loss: float
    uplink_bytes: int
    dense_bytes: int
    kept_fraction: float
    score: Score | None
    train_seconds: float
    eval_seconds: float


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
    **model_arguments
        More arguments of the model's builder, such as ``num_classes``.

    Attributes
    ----------
    state : dict of str to array
        The global state after the last complete round.

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
        self, data: FederatedData, model: str, settings: Settings, workers: int = 1, **model_arguments: float
    ) -> None:
        self.data = data
        self.settings = settings
        self.workers = workers
        self.model_name = model
        self.model_arguments = {"sparsity": settings.sparsity, "seed": settings.init_seed, **model_arguments}
        initial = self.build_model()
        self.state: State = initial.state_dict()
        self.uplink = UPLINKS[settings.uplink](sparse_weights(initial), settings.mask_ratio)
        self._clients = [client for client in data.clients if data.num_train(client) > 0]
        if len(self._clients) < settings.clients_per_round:
            raise TooFewClientsError(
                f"a round needs {settings.clients_per_round} clients with training samples, the data set has "
                f"{len(self._clients)}; lower --clients-per-round"
            )
        self._schedule = ExponentialDecay(
            settings.lr_start, settings.lr_end, settings.schedule_rounds or settings.rounds
        )

    def build_model(self) -> Module:
        """Build the model with its initial weights."""
        return build(self.model_name, **self.model_arguments)

    def run(self) -> Iterator[Round]:
        """Run all rounds; yield what each did when it is complete.

        Raises
        ------
        DivergedError
            The global model is no longer finite. `state` is the last good one.
        """
        with ThreadEngine(self.build_model, self.workers) as engine:
            for t in range(1, self.settings.rounds + 1):
                yield self._round(engine, t)

    def _round(self, engine: ThreadEngine, t: int) -> Round:
        started = time.perf_counter()
        lr = self._schedule(t - 1)
        aggregator, loss_sum, sent, kept, entries = Aggregator(self.state), 0.0, 0, 0, 0
        for update in engine.run(lambda model, client: self._train(model, client, t, lr), self._sample(t)):
            aggregator.fold(update)
            loss_sum += update.train_loss * update.num_samples if update.client_id in aggregator.accepted else 0.0
            sent += num_bytes(update.payload)
            counts = count_kept_entries(update.payload)
            kept, entries = kept + counts[0], entries + counts[1]
        if len(aggregator.refused) >= len(aggregator.accepted):
            raise DivergedError(
                f"round {t}: {len(aggregator.refused)} of {self.settings.clients_per_round} updates were not finite; "
                "lower the learning rate"
            )
        state = self.uplink.apply(self.state, aggregator.average())
        trained = time.perf_counter()
        score = self._evaluate(engine, state, t) if self._evaluation_is_due(t) else None
        if score is not None and not math.isfinite(score.loss):
            raise DivergedError(f"round {t}: the loss of the global model is {score.loss}; lower the learning rate")
        self.state = state
        return Round(
            round=t,
            lr=lr,
            clients=tuple(aggregator.accepted),
            refused=tuple(aggregator.refused),
            num_samples=aggregator.num_samples,
            train_loss=loss_sum / aggregator.num_samples,
            uplink_bytes=sent,
            dense_bytes=self.settings.clients_per_round * num_bytes(state),
            kept_fraction=kept / entries if entries else 1.0,
            score=score,
            train_seconds=trained - started,
            eval_seconds=time.perf_counter() - trained,
        )

    def _sample(self, t: int) -> list[str]:
        rng = generator(self.settings.seed, t, "", Purpose.SAMPLE_CLIENTS)
        chosen = rng.choice(len(self._clients), self.settings.clients_per_round, replace=False)
        return [self._clients[i] for i in chosen]

    def _train(self, model: Module, client_id: str, t: int, lr: float) -> Update:
        s = self.settings
        client = Client(client_id, self.data.train(client_id), self.uplink, s.batch_size, s.local_epochs, s.seed)
        return client.train(model, self.state, t, lr)

    def _evaluation_is_due(self, t: int) -> bool:
        return t % self.settings.eval_every == 0 or t == self.settings.rounds

    def _evaluate(self, engine: ThreadEngine, state: State, t: int) -> Score:
        x, y = self._test_samples(whole=t == self.settings.rounds)

        def score(model: Module, first: int) -> Score:
            model.load_state_dict(state)
            return evaluate(model, (x[first : first + CHUNK], y[first : first + CHUNK]))

        return sum(engine.run(score, range(0, y.size, CHUNK)), Score())

    def _test_samples(self, whole: bool) -> Samples:
        x, y = self.data.test()
        if whole or not 0 < self.settings.eval_samples < y.size:
            return x, y
        rng = generator(self.settings.seed, 0, "", Purpose.EVALUATION_SUBSET)
        subset = np.sort(rng.choice(y.size, self.settings.eval_samples, replace=False))
        return x[subset], y[subset]
