"""Whether the data of a run are still those that it began with: the same clients, and the same content."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from minizerofl.fl.files.toml import Config
from minizerofl_cli.runs.dataset import load
from minizerofl_cli.runs.plan import Plan
from minizerofl_datasets import DataError, FederatedDataset


def sample_counts(data: FederatedDataset) -> dict[str, tuple[int, int]]:
    """Count each client's training and test samples; a client that only trains, or is only tested, has 0 of the others.

    Examples
    --------
    >>> twin = load("femnist", "synthetic", None, "ink", 0, 3, options={"holdout_writers": 1})
    >>> [(train > 0, test > 0) for train, test in sample_counts(twin).values()]
    [(True, False), (True, False), (False, True)]
    """
    trained, tested = frozenset(data.clients), frozenset(data.test_clients)
    return {
        client: (data.num_train(client) if client in trained else 0, data.num_test(client) if client in tested else 0)
        for client in dict.fromkeys([*data.clients, *data.test_clients])
    }


def check_fingerprint(path: Path, name: str, now: str, configs: Iterable[Config]) -> None:
    """Make sure that the content of the data is what it was; a run from before there were fingerprints passes.

    Parameters
    ----------
    path : Path
        The run directory.
    name : str
        The data set.
    now : str
        Its fingerprint.
    configs : iterable of mapping
        What was written when the run began or was saved: config.toml, and the config of a checkpoint.

    Raises
    ------
    DataError
        The data have changed.

    Examples
    --------
    >>> check_fingerprint(Path("run"), "mine", "b1", [{"data": {"fingerprint": "a0"}}])
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: run: the samples, labels or class names of mine are not those that the run \
began with (fingerprint a0, now b1); put the former data back, or begin a new run
    """
    for config in configs:
        before = config.get("data", {}).get("fingerprint", now)
        if before != now:
            raise DataError(
                f"{path}: the samples, labels or class names of {name} are not those that the run began with "
                f"(fingerprint {before}, now {now}); put the former data back, or begin a new run"
            )


class Fingerprints:
    """The fingerprints of the data of several plans; plans that differ only in how they train load the data once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], str] = {}

    def of(self, plan: Plan) -> str:
        """Return the fingerprint of the data that a plan asks for, as they are now."""
        asked = (plan.dataset, plan.source, plan.data_dir, plan.polarity, plan.partition_seed, plan.clients)
        key = (*asked, *sorted(plan.options.items()))
        if key not in self._known:
            self._known[key] = load(*asked, options=plan.options).fingerprint()
        return self._known[key]
