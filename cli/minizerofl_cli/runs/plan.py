"""What `minizerofl train` was asked to do, and how it is told to people and written to files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import minizerofl
from minizerofl.fl import SERVERS, Settings
from minizerofl.fl.files.toml import Config
from minizerofl_cli.runs.dataset import division, kind, paper_model
from minizerofl_datasets import FederatedDataset


@dataclass(frozen=True)
class Plan:
    """The options of a run, defaults filled in.

    Examples
    --------
    >>> plan = Plan("femnist", "auto", None, "ink", 0, None, "quick", Settings(), workers=2, runs_dir=Path("runs"))
    >>> plan.title("synthetic")
    'femnist, SYNTHETIC data, topk-weights, sp 0.95, r 0.2'
    """

    dataset: str
    source: str
    data_dir: Path | None
    polarity: str
    partition_seed: int
    clients: int | None
    recipe: str
    settings: Settings
    workers: int
    runs_dir: Path
    checkpoint_every: int = 0
    options: Mapping[str, str | int | float] = field(default_factory=dict)  # of the data set's own loader

    def title(self, source: str) -> str:
        """Return what stands above a picture of the run."""
        s = self.settings
        rule = "" if s.selection == "top-k" else f" of {s.selection}"
        return f"{self.dataset}, {kind(source)}, {s.uplink}{rule}, {sparsities(s)}, r {s.mask_ratio:g}"

    def introduce(self, data: FederatedDataset) -> list[str]:
        """Return lines that say what is about to happen, and in which units it is told."""
        s = self.settings
        train, test = sum(map(data.num_train, data.clients)), sum(map(data.num_test, data.test_clients))
        lines = [
            f"{len(data.clients):,} clients with {train:,} training samples, {s.clients_per_round} a round, "
            f"{self.workers} at once",
            f"{self.recipe} recipe, {s.rounds} rounds: {sparsities(s)}, r {s.mask_ratio:g}, uplink {s.uplink}, "
            f"LR {s.lr_start:g} -> {s.lr_end:g}, batch {s.batch_size}, local epochs {s.local_epochs}",
            "MB = 1,000,000 bytes; uplink sizes are those of the messages that clients send, encoded as "
            f"{s.codec} with {s.values} values.",
            "The first round also compiles the kernels, which takes some seconds; they are kept for later runs.",
        ]
        if 0 < s.eval_samples < test:
            lines.insert(
                2, f"Accuracy is measured on {s.eval_samples:,} of {test:,} test samples; after the last round, on all."
            )
        return lines

    def config(self, data: FederatedDataset, model_arguments: dict[str, float]) -> Config:
        """Return the tables of config.toml, every value resolved."""
        folder: dict[str, str | int | float] = (
            {} if self.data_dir is None else {"data_dir": str(self.data_dir.resolve())}
        )
        return {
            "run": {
                "minizerofl": minizerofl.__version__,
                "recipe": self.recipe,
                "workers": self.workers,
                "checkpoint_every": self.checkpoint_every,
                **folder,
            },
            "data": {
                "dataset": data.name,
                "source": data.source,
                "format": data.format,
                "origin": data.origin,
                "polarity": self.polarity,
                "transform": data.transform["formula"],
                "partition_seed": self.partition_seed,
                "clients": len(data.clients),
                **division(data),
            },
            "data_options": dict(self.options),
            "model": {"name": paper_model(data)[0], **model_arguments},
            "settings": self.resolved_settings(),
        }

    def resolved_settings(self) -> dict[str, str | int | float]:
        """Return the settings, the length of the schedule and the server's learning rate filled in."""
        s = self.settings.resolved()
        server_lr = s.server_lr or SERVERS[s.server].default_lr
        return asdict(replace(s, schedule_rounds=s.schedule_rounds or s.rounds, server_lr=server_lr))

    def decisive(self, data: FederatedDataset, model_arguments: dict[str, float]) -> Config:
        """Return what decides the result: config.toml without where and how fast it runs, and for how long."""
        free = {"settings": ("rounds",), "data": ("origin",)}
        tables = self.config(data, model_arguments)
        return {
            name: {key: value for key, value in table.items() if key not in free.get(name, ())}
            for name, table in tables.items()
            if name != "run"
        }

    def about(self, data: FederatedDataset) -> dict[str, object]:
        """Return what model.h5 says about its data, so that `minizerofl eval` needs nothing else."""
        return {
            "dataset": data.name,
            "transform": data.transform,
            "partition_seed": self.partition_seed,
            "clients": self.clients,
            "options": dict(self.options),
            "class_names": list(data.class_names),
            "settings": self.resolved_settings(),
        }


def sparsities(settings: Settings) -> str:
    """Tell the sparsity of a run, and those of its parts where they differ.

    Examples
    --------
    >>> sparsities(Settings(sparsity=0.95)), sparsities(Settings(sparsity=0, uplink_sparsity=0.95))
    ('sp 0.95', 'sp 0 (weights 0, activations 0, uplink 0.95)')
    """
    s = settings.resolved()
    parts = f" (weights {s.weight_sparsity:g}, activations {s.activation_sparsity:g}, uplink {s.uplink_sparsity:g})"
    return f"sp {s.sparsity:g}{parts if s.apart else ''}"
