"""What `minizerofl train` was asked to do, and how it is told to people and written to files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import minizerofl
from minizerofl.fl import Settings
from minizerofl_cli.dataset import kind
from minizerofl_datasets import FederatedDataset

MODELS = {"femnist": "femnist_cnn"}  # the paper's model for each data set


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

    def title(self, source: str) -> str:
        """Return what stands above a picture of the run."""
        s = self.settings
        return f"{self.dataset}, {kind(source)}, {s.uplink}, sp {s.sparsity:g}, r {s.mask_ratio:g}"

    def introduce(self, data: FederatedDataset) -> list[str]:
        """Return lines that say what is about to happen, and in which units it is told."""
        s = self.settings
        train, test = (sum(map(count, data.clients)) for count in (data.num_train, data.num_test))
        lines = [
            f"{len(data.clients):,} clients with {train:,} training images, {s.clients_per_round} a round, "
            f"{self.workers} at once",
            f"{self.recipe} recipe, {s.rounds} rounds: sp {s.sparsity:g}, r {s.mask_ratio:g}, uplink {s.uplink}, "
            f"LR {s.lr_start:g} -> {s.lr_end:g}, batch {s.batch_size}, local epochs {s.local_epochs}",
            "MB = 1,000,000 bytes; sizes count CSR as the paper does: a 4-byte value and a 4-byte index for each "
            "weight sent, 4-byte row pointers; tensors sent whole take 4 bytes an entry.",
            "The first round also compiles the kernels, which takes some seconds; they are kept for later runs.",
        ]
        if 0 < s.eval_samples < test:
            lines.insert(
                2, f"Accuracy is measured on {s.eval_samples:,} of {test:,} test images; after the last round, on all."
            )
        return lines

    def config(
        self, data: FederatedDataset, model_arguments: dict[str, float]
    ) -> dict[str, dict[str, str | int | float]]:
        """Return the tables of config.toml, every value resolved."""
        settings = replace(self.settings, schedule_rounds=self.settings.schedule_rounds or self.settings.rounds)
        return {
            "run": {"minizerofl": minizerofl.__version__, "recipe": self.recipe, "workers": self.workers},
            "data": {
                "dataset": data.name,
                "source": data.source,
                "format": data.format,
                "origin": data.origin,
                "polarity": self.polarity,
                "transform": data.transform["formula"],
                "partition_seed": self.partition_seed,
                "clients": len(data.clients),
            },
            "model": {"name": MODELS[self.dataset], "initialisation": "he-normal", **model_arguments},
            "settings": asdict(settings),
        }

    def about(self, data: FederatedDataset) -> dict[str, object]:
        """Return what model.h5 says about its data, so that `minizerofl eval` needs nothing else."""
        return {
            "dataset": data.name,
            "transform": data.transform,
            "partition_seed": self.partition_seed,
            "clients": self.clients,
            "class_names": list(data.class_names),
            "settings": asdict(self.settings),
        }
