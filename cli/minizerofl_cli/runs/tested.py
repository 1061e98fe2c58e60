"""The data that `minizerofl eval` tests a model on: what it was trained on, or another set that it can read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minizerofl.fl import ConfigError, ModelFileError, SavedModel
from minizerofl_cli.runs.dataset import kind, load
from minizerofl_datasets import DataError, FederatedDataset

READING = ("words", "features")  # the options that decide what classes and inputs are, not who has which samples


# What the description of a model is made of.
KINDS: dict[str, type | tuple[type, ...]] = {
    **{"dataset": str, "source": str, "transform": dict, "class_names": list, "options": dict},
    **{"partition_seed": int, "clients": (int, type(None)), "rounds": int},
    **{"input_shape": list, "fingerprint": str},
}


@dataclass(frozen=True)
class Origin:
    """What a model file says about the data its model was trained on; older files lack what may be None or empty."""

    dataset: str
    source: str
    polarity: str
    partition_seed: int
    clients: int | None
    class_names: tuple[str, ...]
    rounds: int
    options: dict[str, str | int | float]
    formula: str
    input_shape: tuple[int, ...] | None
    fingerprint: str | None


def read_origin(saved: SavedModel, file: Path) -> Origin:
    """Read what a model file says about its data.

    Raises
    ------
    ModelFileError
        It says nothing, or not all.
    """
    about: dict[str, Any] = saved.about
    for key, kinds in KINDS.items():
        if key in about and not isinstance(about[key], kinds):
            raise ModelFileError(f"{file}: says that its {key} is {about[key]!r}; use another copy")
    if not isinstance(saved.arguments.get("sparsity"), int | float):
        raise ModelFileError(f"{file}: says nothing of the sparsity of its model; use another copy")
    try:
        return Origin(
            dataset=about["dataset"],
            source=about["source"],
            polarity=about["transform"].get("polarity", "ink"),
            partition_seed=about["partition_seed"],
            clients=about["clients"],
            class_names=tuple(about["class_names"]),
            rounds=about["rounds"],
            options=about["options"],
            formula=about["transform"].get("formula", ""),
            input_shape=tuple(about["input_shape"]) if "input_shape" in about else None,
            fingerprint=about.get("fingerprint"),
        )
    except KeyError as missing:
        raise ModelFileError(
            f"{file}: does not give {missing} of its data, so it cannot be evaluated; use the model.h5 of a run"
        ) from missing


def load_tested(
    origin: Origin, dataset: str | None, source: str | None, data_dir: Path | None
) -> tuple[FederatedDataset, list[str]]:
    """Load the data to test a model on.

    Parameters
    ----------
    origin : Origin
        What the model was trained on.
    dataset, source, data_dir
        What was asked for; None is what the model was trained on.

    Returns
    -------
    FederatedDataset
        The model's own data, divided as in its run; or another set or folder, of which all test samples are taken.
    list of str
        What people should know about it, a line each.

    Raises
    ------
    ConfigError
        The options contradict each other.
    DataError
        The data are missing or damaged, or the model cannot read them.
    """
    same_set = dataset in (None, origin.dataset)
    if same_set and source is None and data_dir is not None and origin.source == "synthetic":
        raise ConfigError("the model was trained on SYNTHETIC data; to evaluate it on --data-dir add --source real")
    if not same_set:
        data, own = _load_other(origin, dataset or "", source or "auto", data_dir), False
    elif data_dir is None or source not in (None, origin.source):
        data = _load_own(origin, source, data_dir)
        own = origin.source != data.source or origin.fingerprint in (None, data.fingerprint())
    else:
        data, own = _load_folder(origin, data_dir)
    _check(origin, data)
    notes = []
    if data.source != origin.source:
        before, now = kind(origin.source, origin.dataset), kind(data.source, data.name)
        notes.append(f"Note: the model was trained on {before} and is evaluated on {now}.")
    if not own and same_set and data_dir is None:
        notes.append(f"Note: the samples of {data.name} have changed since the model was trained on them.")
    elif not own:
        notes.append(
            f"Note: other samples than those of the model's run; {len(data.test_clients):,} clients are tested."
        )
    if origin.formula and data.transform["formula"] != origin.formula:
        notes.append(f"Note: inputs are {data.transform['formula']!r}, the model's were {origin.formula!r}.")
    return data, notes


def _load_own(origin: Origin, source: str | None, data_dir: Path | None) -> FederatedDataset:
    chosen = source or origin.source
    other = "real" if origin.source == "synthetic" else "synthetic"
    same = chosen == origin.source
    options = {name: value for name, value in origin.options.items() if same or name != "format"}
    clients = origin.clients if same else None
    try:
        return load(origin.dataset, chosen, data_dir, origin.polarity, origin.partition_seed, clients, options=options)
    except DataError as error:
        if source is not None:
            raise
        raise DataError(
            f"the model was trained on {kind(chosen, origin.dataset)}, which cannot be read; "
            f"--source {other} evaluates it on {kind(other, origin.dataset)}. Reason: {error}"
        ) from error


def _load_folder(origin: Origin, data_dir: Path) -> tuple[FederatedDataset, bool]:
    """Load a folder: as the model's own data if it holds them, as another set if not; tell which."""
    with suppress(ConfigError, DataError):  # what is wrong with it is said by the second attempt
        data = _load_own(origin, origin.source, data_dir)
        if origin.fingerprint in (None, data.fingerprint()):
            return data, True
    return _load_other(origin, origin.dataset, origin.source, data_dir), False


def _load_other(origin: Origin, dataset: str, source: str, data_dir: Path | None) -> FederatedDataset:
    """Load data that the model was not trained on: nothing is left out, and nobody has to have training samples."""
    options = {key: origin.options[key] for key in READING if dataset == origin.dataset and key in origin.options}
    if dataset == "femnist":
        options["test_only"] = True
    polarity = origin.polarity if dataset == "femnist" else "ink"
    return load(dataset, source, data_dir, polarity, origin.partition_seed, None, options=options)


def _check(origin: Origin, data: FederatedDataset) -> None:
    """Refuse data whose classes or shape are not those of the model."""
    if not _same_classes(origin.class_names, data.class_names):
        raise DataError(
            f"the model knows {_few(origin.class_names)}, but {data.name} has {_few(data.class_names)}; "
            "take data with the same classes"
        )
    if origin.input_shape is None and data.name != origin.dataset:
        raise DataError(
            f"the model file is an older one that does not say the shape of its inputs; test it on {origin.dataset}"
        )
    if origin.input_shape not in (None, data.input_shape):
        raise DataError(
            f"the model takes inputs of shape {origin.input_shape}, but those of {data.name} are {data.input_shape}; "
            "take data of the same shape"
        )


def _same_classes(known: Sequence[str], given: Sequence[str]) -> bool:
    """Tell whether labels mean the same: equal names, or one side has mere numbers and no labels too many.

    Examples
    --------
    >>> _same_classes(("a", "b"), ("0", "1")), _same_classes(("a", "b"), ("b", "a"))
    (True, False)
    """

    def numbers(names: Sequence[str]) -> bool:
        return list(names) == [str(label) for label in range(len(names))]

    return (
        known == given or (numbers(given) and len(given) <= len(known)) or (numbers(known) and len(given) == len(known))
    )


def _few(names: Sequence[str]) -> str:
    listed = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} classes ({listed})"
