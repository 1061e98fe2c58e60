"""What is measured: training steps of our models on images of a data set, with weights that have been trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import signature
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minizerofl import ops
from minizerofl.autograd.tensor import Tensor
from minizerofl.fl import ConfigError, SavedModel, load_model
from minizerofl.fl.data import Samples, batch_last, describe
from minizerofl.fl.payload import State
from minizerofl.kernels.memory import keep_freed_memory
from minizerofl.models import MODELS, build
from minizerofl.models.builder import Argument
from minizerofl.models.setup import Setup
from minizerofl.nn import Module
from minizerofl.optim import SGD
from minizerofl_cli.runs.dataset import first_line, load
from minizerofl_datasets import FederatedDataset
from minizerofl_datasets.catalogue import CATALOGUE

DATASETS = dict.fromkeys(MODELS, "femnist") | {"resnet18": "cifar10"}  # the images of each model
BATCH_SIZES = dict.fromkeys(MODELS, 32) | {"femnist_cnn": 10}  # where none is asked for
BATCHES = 16  # mini-batches that the steps go through, again and again
TRAINING_STEPS = 20  # steps after which weights are no longer the initial ones
LR = 0.05
SPARSITY, TOP_K = 0.95, "top-k"  # where none is named


class TrainingStep:
    """One training step of ours: forward, backward, plain SGD; each call takes the next mini-batch.

    Parameters
    ----------
    model : Module
        The model; it learns.
    samples : tuple of array
        x (n, C, H, W) and y (n,).
    batch_size : int
        Samples in a mini-batch; the rest that fills none is left out.
    """

    def __init__(self, model: Module, samples: Samples, batch_size: int) -> None:
        self.model = model
        self._optimiser = SGD(model.parameters(), LR)
        self._batches = cycle(batches(samples, batch_size))

    def __call__(self) -> None:
        """Do the step; turning the mini-batch round is a part of it."""
        x, y = next(self._batches)
        loss = ops.cross_entropy(self.model(Tensor(batch_last(x))), y)
        self._optimiser.zero_grad()
        loss.backward()
        self._optimiser.step()


def batches(samples: Samples, batch_size: int) -> list[Samples]:
    """Cut samples into mini-batches of one size.

    Examples
    --------
    >>> [y.size for _, y in batches((np.zeros((7, 1), np.float32), np.zeros(7, np.int64)), 3)]
    [3, 3]
    """
    x, y = samples
    return [(x[i : i + batch_size], y[i : i + batch_size]) for i in range(0, y.size - batch_size + 1, batch_size)]


@dataclass(frozen=True)
class Workload:
    """A model with images to train it on.

    Attributes
    ----------
    name : str
        A name of `minizerofl.models.MODELS`.
    arguments : dict
        The arguments of its builder, but for the sparsity.
    samples : tuple of array
        x (n, C, H, W) and y (n,).
    trained : SavedModel, optional
        The model of a run; None: the weights are the initial ones until they are trained here.
    opening : list of str
        Lines that say which images and which weights these are.
    """

    name: str
    arguments: Mapping[str, Argument]
    samples: Samples
    trained: SavedModel | None
    opening: list[str]

    def setting(self, sparsity: float | None, selection: str | None) -> tuple[float, str]:
        """Fill in a sparsity, or a rule, that was not asked for: that of the run, without one ZeroFL's."""
        built, setup = SPARSITY, Setup()
        if self.trained:
            argument, setup = self.trained.arguments.get("sparsity"), self.trained.setup
            built = argument if isinstance(argument, float) else 0.0
        own = built if setup.weight_sparsity is None else setup.weight_sparsity
        return own if sparsity is None else sparsity, selection or setup.selection

    def step(self, sparsity: float | None, batch_size: int, selection: str | None = TOP_K) -> TrainingStep:
        """Build the model, give it trained weights, and return its training step.

        If neither sparsity nor rule is asked for, everything is as in the run, if there is one.
        """
        if self.trained and sparsity is None and selection is None:
            return TrainingStep(self.trained.build(), self.samples, batch_size)
        sparsity, selection = self.setting(sparsity, selection)
        model = self._build(sparsity, selection, self.trained.state if self.trained else None)
        step = TrainingStep(model, self.samples, batch_size)
        if self.trained is None and sparsity:  # dense training takes the same time whatever its weights are
            for _ in range(TRAINING_STEPS):
                step()
        return step

    def steps(self, sparsity: float, batch_size: int, workers: int, selection: str = TOP_K) -> list[TrainingStep]:
        """Return training steps of as many equal models as there are workers."""
        first = self.step(sparsity, batch_size, selection)
        copies = [self._build(sparsity, selection, first.model.state_dict()) for _ in range(workers - 1)]
        return [first, *(TrainingStep(copy, self.samples, batch_size) for copy in copies)]

    def _build(self, sparsity: float, selection: str, state: State | None) -> Module:
        """Build the model with these weights; a rule that fixes its mask takes it from them."""
        model = build(self.name, **self.arguments, sparsity=sparsity)
        if state is not None:
            model.load_state_dict(state)
        Setup(selection=selection).choose_rule(model)
        return model


def prepare(name: str | None, run: Path | None, data_dir: Path | None, batch_size: int) -> Workload:
    """Collect what a model needs.

    Parameters
    ----------
    name : str, optional
        The model; that of the run by default, without one "femnist_cnn".
    run : Path, optional
        A run directory or a model.h5, whose trained weights are used.
    data_dir : Path, optional
        Folder with real data; the synthetic twin's images by default.
    batch_size : int
        The largest mini-batch that there must be images for.

    Raises
    ------
    ConfigError
        The run holds another model.
    ModelFileError, DataError
        The run or the data cannot be read.
    """
    keep_freed_memory()  # as in training
    saved = None if run is None else load_model(run / "model.h5" if run.is_dir() else run)
    name = name or (saved.name if saved else "femnist_cnn")
    if saved is not None and saved.name != name:
        raise ConfigError(f"--weights {run} holds a {saved.name}, but --model is {name}; drop one of them")
    dataset = saved.about.get("dataset", DATASETS.get(name)) if saved else DATASETS[name]
    if dataset is None:
        raise ConfigError(f"{run} does not say on which data its model {name} was trained; use the model.h5 of a run")
    if saved is not None:
        MODELS.check(name)  # A name that only the program that saved it knows.
    # An imported set has no twin, and needs no folder.
    source = "synthetic" if data_dir is None and dataset in CATALOGUE else "real"
    data = load(str(dataset), source, data_dir, "ink", 0, None)
    arguments = describe(data, signature(MODELS[name]).parameters) if saved is None else _without_sparsity(saved)
    if saved is None:
        weights = f"weights: trained here for {TRAINING_STEPS} steps (--weights RUN takes those of a run)"
    else:
        weights = f"weights: those of {run}"
    samples = _collect(data, BATCHES * batch_size)
    return Workload(name, arguments, samples, saved, [first_line(data), weights])


def _without_sparsity(saved: SavedModel) -> dict[str, Argument]:
    return {key: value for key, value in saved.arguments.items() if key != "sparsity"}


def _collect(data: FederatedDataset, count: int) -> Samples:
    """Take the first `count` training images, client by client."""
    parts: list[tuple[NDArray[np.float32], NDArray[np.int64]]] = []
    for part in _parts(data):
        parts.append(part)
        if sum(y.size for _, y in parts) >= count:
            break
    return np.concatenate([x for x, _ in parts])[:count], np.concatenate([y for _, y in parts])[:count]


def _parts(data: FederatedDataset) -> Iterator[Samples]:
    return (data.train(client) for client in data.clients)
