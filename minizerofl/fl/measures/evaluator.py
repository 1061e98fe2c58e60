"""The evaluation of global models: which samples are used, read once and spread over the workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.data import FederatedData, Samples
from minizerofl.fl.engines import Engine
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.measures.evaluation import Evaluation, classify, summarise
from minizerofl.fl.payload import Array, State
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.fl.settings import Settings
from minizerofl.nn import Module

CHUNK = 256  # samples that one worker evaluates at a time


@dataclass(frozen=True)
class Panel:
    """Samples to evaluate on, x (n, ...) and y (n,), with the number of each one's client (n,), if it has one."""

    x: Array
    y: NDArray[np.int64]
    clients: NDArray[np.int64] | None = None


class Scores(NamedTuple):
    """The evaluations of a global model; those that were not due are empty, and false."""

    test: Evaluation = Evaluation()
    dense: Evaluation = Evaluation()
    validation: Evaluation = Evaluation()


class _Classifying:
    """The task of an engine: classify a part of a panel with a state. A job is the panel's number and a first sample.

    Each model loads the state only once, so that its sparse layers select their weights once.
    """

    def __init__(self, panels: Sequence[Panel], state: State) -> None:
        self._panels = panels
        self._state = state
        self._loaded: set[int] = set()  # the ids of the models that have loaded the state

    @timed("evaluate")
    def __call__(self, model: Module, job: tuple[int, int]) -> tuple[NDArray[np.bool_], float]:
        if id(model) not in self._loaded:
            model.load_state_dict(self._state)
            self._loaded.add(id(model))
        number, first = job
        panel, part = self._panels[number], slice(first, first + CHUNK)
        return classify(model, (panel.x[part], panel.y[part]))


def score(engine: Engine, state: State, panels: Sequence[Panel]) -> list[Evaluation]:
    """Evaluate a state on panels, with the models of an engine."""
    jobs = [(i, first) for i, panel in enumerate(panels) for first in range(0, panel.y.size, CHUNK)]
    parts = engine.run(_Classifying(panels, state), jobs)
    return [summarise(panel.y, panel.clients, islice(parts, -(-panel.y.size // CHUNK))) for panel in panels]


class Evaluator:
    """The samples on which a run's global models are evaluated.

    Parameters
    ----------
    data : FederatedData
        Where they come from. They are read when they are first asked for, and then kept.
    settings : Settings
        How many are used, see `Settings.eval_samples` and `Settings.validation_samples`.

    Examples
    --------
    >>> import minizerofl_datasets
    >>> data = minizerofl_datasets.load("femnist", source="synthetic", clients=2)
    >>> Evaluator(data, Settings(eval_samples=7)).test(whole=False).y.size
    7
    """

    def __init__(self, data: FederatedData, settings: Settings) -> None:
        self._data = data
        self._settings = settings
        self._panels: dict[str, Panel | None] = {}

    def test(self, whole: bool) -> Panel:
        """Return the test samples, or the fixed subset of them on which rounds before the last are evaluated."""
        whole = whole or not 0 < self._settings.eval_samples < sum(self._test_sizes)
        kind = "whole" if whole else "subset"
        panel = self._panels.get(kind) or self._read_test(whole)
        self._panels[kind] = panel
        return panel

    def validation(self) -> Panel | None:
        """Return validation samples of clients in a fixed random order, as many as asked for; None if there are none.

        They are the same in every round, so that the accuracies of rounds can be compared.
        """
        if "validation" not in self._panels:
            self._panels["validation"] = self._read_validation() if self._settings.validation_samples else None
        return self._panels["validation"]

    def panels(self) -> list[Panel]:
        """Return all panels that a run is evaluated on."""
        panels = [self.test(whole=True), self.test(whole=False), self.validation()]
        return [panel for panel in panels if panel is not None]

    @cached_property
    def _test_sizes(self) -> list[int]:
        return [self._data.num_test(client) for client in self._data.test_clients]

    def _read_test(self, whole: bool) -> Panel:
        panel = self._panels.get("whole")
        if panel is None:
            x, y = self._data.test()
            panel = Panel(x, y, np.repeat(np.arange(len(self._test_sizes)), self._test_sizes))
        if whole:
            return panel
        rng = generator(self._settings.seed, 0, "", Purpose.EVALUATION_SUBSET)
        subset = np.sort(rng.choice(panel.y.size, self._settings.eval_samples, replace=False))
        return Panel(panel.x[subset], panel.y[subset], None if panel.clients is None else panel.clients[subset])

    def _read_validation(self) -> Panel | None:
        wanted, ids = self._settings.validation_samples, self._data.clients
        # At most `wanted` clients are asked, so that a population is never listed. As each holds out a tenth of its
        # samples, that is enough.
        rng = generator(self._settings.seed, 0, "", Purpose.VALIDATION_SUBSET)
        asked = rng.choice(len(ids), min(len(ids), wanted), replace=False)
        parts: list[Samples] = []
        found = 0
        for i in asked:
            if found >= wanted:
                break
            parts.append(self._data.validation(ids[int(i)]))
            found += parts[-1][1].size
        if not found:
            return None
        x, y = (np.concatenate(columns)[:wanted] for columns in zip(*parts, strict=True))
        return Panel(x, y)
