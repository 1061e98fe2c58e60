"""What `minizerofl eval` says: a saved model on the test samples of the data set it describes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minizerofl import ops
from minizerofl.autograd.op import no_grad
from minizerofl.autograd.tensor import Tensor
from minizerofl.fl import ConfigError, DivergedError, ModelFileError, SavedModel, load_model
from minizerofl.fl.data import Samples, batch_last
from minizerofl.fl.engines import ThreadEngine
from minizerofl.fl.files.checkpoint import Checkpoints, read_checkpoint
from minizerofl.fl.finite import first_not_finite
from minizerofl.fl.measures.scores import (
    balanced_accuracy,
    client_accuracy,
    confusion_matrix,
    majority_class,
)
from minizerofl.fl.seeds import Purpose, generator
from minizerofl.kernels.jit import how_kernels_run
from minizerofl.nn import Module
from minizerofl_cli.runs.dataset import first_line, kind
from minizerofl_cli.runs.environment import usable_cores
from minizerofl_cli.runs.notes import INTERPRETED
from minizerofl_cli.runs.per_class import class_lines, write_confusion
from minizerofl_cli.runs.tested import load_tested, read_origin
from minizerofl_datasets import FederatedDataset

CHUNK = 256  # samples in one forward pass


def evaluate_model(
    path: Path,
    source: str | None,
    data_dir: Path | None,
    samples: int | None,
    dense: bool = False,
    best: bool = False,
    dataset: str | None = None,
    per_class: bool = False,
    output: Path | None = None,
) -> Iterator[str]:
    """Evaluate a model; yield lines as they are known, the first of which names the data.

    Parameters
    ----------
    path : Path
        A run directory or a model.h5.
    source : {"real", "synthetic"}, optional
        What to evaluate on; what the model was trained on by default.
    data_dir : Path, optional
        Folder with the real data.
    samples : int, optional
        How many test samples to use, a fixed subset; all by default.
    dense : bool
        Whether to evaluate with all weights as well.
    best : bool
        Whether to take the checkpoint that did best on validation images instead of the last model.
    dataset : str, optional
        The data set to evaluate on; what the model was trained on by default.
    per_class : bool
        Whether to tell the accuracy of each class.
    output : Path, optional
        With `per_class`: the folder for the confusion matrix, as a table and as a picture.

    Raises
    ------
    ConfigError
        There is an `output`, but nothing that would be written there.
    ModelFileError
        There is no model, or it does not describe its data.
    DataError
        The data are missing, or their classes or shape are not those of the model.
    DivergedError
        The model, or its loss, is not finite.
    """
    if output is not None and not per_class:
        raise ConfigError("--output is the folder for what --per-class writes; add --per-class, or drop --output")
    file = path / "model.h5" if path.is_dir() else path
    saved, notes = _load_model(path, file, best)
    origin = read_origin(saved, file)
    saved.build()  # What does not belong together is refused before anything else is done.
    data, told = load_tested(origin, dataset, source, data_dir)
    yield first_line(data)
    trained = f"{origin.rounds} rounds on {kind(origin.source, origin.dataset)}"
    yield f"model: {saved.name}, sp {saved.arguments['sparsity']:g}, {trained}"
    yield from [*notes, *told]
    if how_kernels_run() == "interpreted":
        yield INTERPRETED

    if (name := first_not_finite(saved.state)) is not None:
        raise DivergedError(f"{file}: the model is not finite ({name} has NaN or infinite values): its run diverged")
    (x, y), clients = _test_samples(data, samples, origin.partition_seed)
    majority = majority_class(y)
    predicted, loss = _classify(saved, (x, y))
    if not math.isfinite(loss):
        raise DivergedError(f"{file}: the loss of the model is {loss} on these samples: its run diverged")
    correct = predicted == y
    balanced, classes = balanced_accuracy(y, correct)
    by_client = client_accuracy(clients, correct)
    median = np.median(np.unique(clients, return_counts=True)[1])
    of = f"{by_client.clients} of {len(data.test_clients)} clients, the median one with {median:g} of these samples"
    answer = data.class_names[majority.label]
    samples_of = f"{y.size:,} samples of {kind(data.source, data.name)}"
    yield f"test accuracy         {100 * correct.mean():5.1f} %   ({samples_of}, sparse weights)"
    yield f"majority class        {100 * majority.share:5.1f} %   (always answering {answer!r})"
    yield f"balanced accuracy     {100 * balanced:5.1f} %   (mean over the {classes} classes that occur)"
    yield f"mean client accuracy  {100 * by_client.mean:5.1f} %   ({of})"
    yield f"10th percentile       {100 * by_client.p10:5.1f} %   (of these clients)"
    yield f"worst 5 %             {100 * by_client.worst_5_percent:5.1f} %   (mean of the worst 5 % of these clients)"
    yield f"test loss             {loss:5.3f} nats"
    if per_class:
        counts = confusion_matrix(y, predicted, len(data.class_names))
        yield ""
        yield from class_lines(counts, data.class_names)
        yield ""
        if output is not None:
            yield from write_confusion(output, counts, data.class_names, data.name, data.source, saved.name)
    if dense:
        whole = SavedModel(saved.name, {**saved.arguments, "sparsity": 0.0}, saved.state)
        predicted, loss = _classify(whole, (x, y))
        yield f"with dense weights    {100 * (predicted == y).mean():5.1f} %   (test loss {loss:.3f} nats)"


def _load_model(path: Path, file: Path, best: bool) -> tuple[SavedModel, list[str]]:
    """Return the model that was asked for, and what is to be said about the choice."""
    checkpoints = Checkpoints(path / "checkpoints")
    if path.is_dir() and not file.exists() and checkpoints.paths():
        raise ModelFileError(f"{path} has no model.h5: the run was killed; continue it with minizerofl resume")
    saved = load_model(file)
    if not best:
        return saved, []
    newest, problems = checkpoints.newest()
    if newest is None or newest.best is None:
        raise ModelFileError(f"{path}: has no best checkpoint; --best is for a run with validation samples")
    chosen = read_checkpoint(checkpoints.path(newest.best.round))
    notes = [f"Note: {problem}" for problem in problems]
    if notes:
        notes.append(f"Note: so this is the best of the rounds up to {newest.round}; later ones may have been better.")
    return replace(saved, state=chosen.state, about={**saved.about, "rounds": chosen.round}), notes


def _test_samples(data: FederatedDataset, samples: int | None, seed: int) -> tuple[Samples, NDArray[np.int64]]:
    """Return test samples and the number of each sample's client."""
    x, y = data.test()
    clients = np.repeat(np.arange(len(data.test_clients)), [data.num_test(client) for client in data.test_clients])
    if samples is None or samples >= y.size:
        return (x, y), clients
    rng = generator(seed, 0, "", Purpose.EVALUATION_SUBSET)
    subset = np.sort(rng.choice(y.size, samples, replace=False))
    return (x[subset], y[subset]), clients[subset]


def _classify(saved: SavedModel, samples: Samples) -> tuple[NDArray[np.int64], float]:
    """Return the predicted labels and the mean cross-entropy in nats."""
    x, y = samples

    def classify(model: Module, first: int) -> tuple[NDArray[np.intp], float]:
        model.eval()
        labels = y[first : first + CHUNK]
        with no_grad(), np.errstate(all="ignore"):  # A loss that is not finite is said.
            logits = model(Tensor(batch_last(x[first : first + CHUNK])))
            return logits.data.argmax(axis=0), ops.cross_entropy(logits, labels).item() * labels.size

    with ThreadEngine(saved.build, usable_cores()) as engine:
        parts = list(engine.run(classify, range(0, y.size, CHUNK)))
    return np.concatenate([labels for labels, _ in parts]), sum(loss for _, loss in parts) / y.size
