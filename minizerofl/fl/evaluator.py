"""The evaluation of global models: which samples, read once, spread over the workers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from minizerofl.fl.data import FederatedData, Samples
from minizerofl.fl.engines import ThreadEngine
from minizerofl.fl.evaluation import Evaluation, classify, summarise
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

    def score(self, engine: ThreadEngine, state: State) -> Evaluation:
        """Evaluate a state with the engine's models."""
        loaded = set()

        def part(model: Module, first: int) -> tuple[NDArray[np.bool_], float]:
            if id(model) not in loaded:  # a worker's model: its layers select their weights once
                model.load_state_dict(state)
                loaded.add(id(model))
            return classify(model, (self.x[first : first + CHUNK], self.y[first : first + CHUNK]))

        return summarise(self.y, self.clients, engine.run(part, range(0, self.y.size, CHUNK)))


class Evaluator:
    """The samples on which a run's global models are evaluated.

    Parameters
    ----------
    data : FederatedData
        Where they come from; read when they are first asked for, and then kept.
    settings : Settings
        How many, see `Settings.eval_samples` and `Settings.validation_samples`.

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
        """Return validation samples of clients in a fixed random order, so many as are asked for; None: there are none.

        They are the same in every round, so that the accuracies of rounds can be compared.
        """
        if "validation" not in self._panels:
            self._panels["validation"] = self._read_validation()
        return self._panels["validation"]

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
        # So many clients are asked at most: enough, as they hold out a tenth, and never a list of the population.
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
