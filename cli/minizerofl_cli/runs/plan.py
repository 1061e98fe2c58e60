"""What `minizerofl train` was asked to do, and how it is told to people and written to files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import minizerofl
from minizerofl.autograd.op import no_grad
from minizerofl.autograd.tensor import Tensor
from minizerofl.choices import METHODS, SERVERS
from minizerofl.export.reading import weights_digest
from minizerofl.fl import recipes
from minizerofl.fl.data import batch_last
from minizerofl.fl.errors import ConfigError
from minizerofl.fl.files.checkpoint import NEWEST
from minizerofl.fl.files.toml import Config
from minizerofl.fl.settings import Settings
from minizerofl.fl.simulation import Simulation
from minizerofl.models import MODELS, build
from minizerofl.models.builder import Argument
from minizerofl.registry import hint
from minizerofl.usercode import describe
from minizerofl_cli.runs.configfile import LARGEST, MODEL_OPTIONS
from minizerofl_cli.runs.dataset import division, kind, model_for
from minizerofl_cli.runs.environment import usable_cores
from minizerofl_cli.runs.notes import notes
from minizerofl_cli.screen.options import take_options
from minizerofl_datasets import FederatedDataset

KEEPING = "active"  # the rule that keeps the mask with which a run begins


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
    keep_checkpoints: int = NEWEST
    options: Mapping[str, str | int | float] = field(default_factory=dict)  # of the data set's own loader
    model: str = ""  # the paper's for the data set, if empty
    model_table: Mapping[str, Any] = field(default_factory=dict)  # what a config file expects of the model
    init_from: Path | None = None  # a file of weights to begin with
    init_sha256: str = ""  # of that file
    mask_from: Path | None = None  # the run, or its model.h5, whose mask is taken
    mask_sha256: str = ""  # of that file

    def __post_init__(self) -> None:
        if self.model:
            MODELS.check(self.model)

    def title(self, source: str) -> str:
        """Return what stands above a picture of the run."""
        s = self.settings
        data = f"{self.dataset}, {kind(source, self.dataset)}"
        init = f", from weights {self.init_sha256[:8]}" if self.init_sha256 else ""
        init += f", mask of {self.mask_sha256[:8]}" if self.mask_sha256 else ""
        return f"{data}, {s.uplink}{rule(s)}, {sparsities(s)}, r {s.mask_ratio:g}{init}"

    def introduce(self, data: FederatedDataset) -> list[str]:
        """Return lines that say what is about to happen."""
        s = self.settings
        train, test = sum(map(data.num_train, data.clients)), sum(map(data.num_test, data.test_clients))
        lines = [
            f"{len(data.clients):,} clients with {train:,} training samples, {s.clients_per_round} a round, "
            f"{self.workers} at once",
            f"{self.recipe} recipe, {s.rounds} {'round' if s.rounds == 1 else 'rounds'}: "
            f"{sparsities(s)}, r {s.mask_ratio:g}, uplink {s.uplink}{rule(s)}",
            f"LR {s.lr_start:g} -> {s.lr_end:g}, batch {s.batch_size}, local epochs {s.local_epochs}",
        ]
        if self.init_from is not None:
            lines.insert(2, f"Initial weights: {self.init_from} (SHA-256 {self.init_sha256[:8]}...)")
        if self.mask_from is not None:
            lines.insert(2, f"Mask: that of {self.mask_from} (SHA-256 {self.mask_sha256[:8]}...)")
        if 0 < s.eval_samples < test:
            lines.append(f"Accuracy is that on {s.eval_samples:,} of {test:,} test samples; in the last round, on all.")
        return [*lines, *notes(s, data)]

    def check_model(self, data: FederatedDataset, simulation: Simulation) -> None:
        """Make sure that the model takes the data, and is the one that a config file describes.

        Raises
        ------
        ConfigError
            It does not, or it is not.
        """
        table = self.config(data, simulation.model_arguments)["model"]
        for key, value in self.model_table.items():
            if key not in table:
                raise ConfigError(f"model.{key} of the config file is unknown{hint(key, table)}; delete it")
            if value != table[key]:
                option = MODEL_OPTIONS.get(key)
                how = f"set it with --{option.replace('_', '-')}" if option else "no option sets it: delete it"
                raise ConfigError(f"model.{key} of the config file is {value!r}, but the run has {table[key]!r}; {how}")
        if self.model not in ("", model_for(data)):
            _try_model(data, simulation)

    def config(self, data: FederatedDataset, model_arguments: dict[str, Argument]) -> Config:
        """Return the tables of config.toml, every value resolved."""
        arguments = {key: list(value) if isinstance(value, tuple) else value for key, value in model_arguments.items()}
        paths = {"data_dir": self.data_dir, "init_from": self.init_from, "mask_from": self.mask_from}
        resolved = {name: str(path.resolve()) for name, path in paths.items() if path is not None}
        begun = {name: value for name in ("init_sha256", "mask_sha256") if (value := getattr(self, name))}
        return {
            "run": {
                "minizerofl": minizerofl.__version__,
                "recipe": self.recipe,
                "workers": self.workers,
                "checkpoint_every": self.checkpoint_every,
                "keep_checkpoints": self.keep_checkpoints,
                "all_clients": self.clients is None,
                **resolved,
            },
            "data": {
                "dataset": data.name,
                "source": data.source,
                "format": data.format,
                "origin": data.origin,
                "fingerprint": data.fingerprint(),
                "polarity": self.polarity,
                "transform": data.transform["formula"],
                "partition_seed": self.partition_seed,
                "clients": len(data.clients) + int(self.options.get("holdout_writers", 0)),
                **division(data),
            },
            "data_options": dict(self.options),
            "model": {"name": model_for(data, self.model), **arguments, **begun},
            "settings": self.resolved_settings(),
        }

    def resolved_settings(self) -> dict[str, str | int | float]:
        """Return the settings, the length of the schedule and the server's learning rate filled in."""
        s = self.settings.resolved()
        server_lr = s.server_lr or SERVERS[s.server].default_lr
        return asdict(replace(s, schedule_rounds=s.schedule_rounds or s.rounds, server_lr=server_lr))

    def asked(self, found: str) -> dict[str, str | int]:
        """Return which data are asked for; `found` is the source that a run with ``--source auto`` had."""
        return {
            "dataset": self.dataset,
            "source": found if self.source == "auto" else self.source,
            "polarity": self.polarity,
            "partition_seed": self.partition_seed,
            "clients": "all" if self.clients is None else self.clients,
        }

    def decisive(self, data: FederatedDataset, model_arguments: dict[str, Argument]) -> Config:
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
            "input_shape": list(data.input_shape),
            "fingerprint": data.fingerprint(),
            "settings": self.resolved_settings(),
        }


def rule(settings: Settings) -> str:
    """Tell the rule of selection where it is not the paper's.

    Examples
    --------
    >>> rule(Settings()), rule(Settings(selection="random"))
    ('', ' of random')
    """
    return "" if settings.selection == "top-k" else f" of {settings.selection}"


def effective(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return resolved settings without those that have no effect beside the others: `full` has no mask ratio.

    Examples
    --------
    >>> effective({"uplink": "full", "mask_ratio": 0.2, "seed": 1})
    {'uplink': 'full', 'seed': 1}
    """
    unused = ("mask_ratio",) if settings["uplink"] == "full" else ()
    return {name: value for name, value in settings.items() if name not in unused}


def sparsities(settings: Settings) -> str:
    """Tell the sparsity of a run, and those of its parts where they differ.

    Examples
    --------
    >>> sparsities(Settings(sparsity=0.95)), sparsities(Settings(sparsity=0, uplink_sparsity=0.95))
    ('sp 0.95', 'sp 0 (uplink 0.95)')
    """
    s = settings.resolved()
    parts = {"weights": s.weight_sparsity, "activations": s.activation_sparsity, "uplink": s.uplink_sparsity}
    told = ", ".join(f"{part} {value:g}" for part, value in parts.items() if value != s.sparsity)
    return f"sp {s.sparsity:g}" + (f" ({told})" if told else "")


def make_plan(
    recipe: str,
    dataset: str,
    source: str,
    data_dir: Path | None,
    polarity: str,
    clients: int | None,
    seed: int,
    partition_seed: int | None,
    init_seed: int | None,
    workers: int | None,
    runs_dir: Path,
    checkpoint_every: int | None,
    keep_checkpoints: int = NEWEST,
    model: str | None = None,
    init_from: Path | None = None,
    mask_from: Path | None = None,
    model_table: Mapping[str, Any] | None = None,
    method: str | None = None,
    **overrides: Any,
) -> Plan:
    """Turn the options of `minizerofl train` into a plan: what was not given comes from the recipe.

    Parameters
    ----------
    model_table : mapping, optional
        What a config file says about the model and no option does; the run must agree with it.
    method : str, optional
        A name of `METHODS`, whose settings replace those of the recipe.

    Raises
    ------
    ConfigError
        A setting is out of its range.
    ChoiceError
        The model is unknown or cannot be imported.
    ModelFileError
        The initial weights cannot be read.
    """
    numbers = {"partition_seed": partition_seed, "clients": clients, "workers": workers, **overrides}
    for name, value in numbers.items():
        if isinstance(value, int) and abs(value) > LARGEST:
            raise ConfigError(f"{name} is an integer of more than 64 bits, expected a smaller one")
    if partition_seed is not None and partition_seed < 0:
        raise ConfigError(f"partition_seed is {partition_seed}, expected at least 0")
    options = take_options(overrides, recipes.recipe(dataset, recipe).data)
    if mask_from is not None and method is None and overrides.get("selection") is None:
        overrides["selection"] = KEEPING
    settings = resolve(recipe, seed, init_seed, overrides, dataset, method)
    if mask_from is not None and settings.selection != KEEPING:
        raise ConfigError(f"--mask-from needs --selection {KEEPING}, not {settings.selection}")
    return Plan(
        dataset=dataset,
        source=source,
        data_dir=data_dir,
        polarity=polarity,
        partition_seed=seed if partition_seed is None else partition_seed,
        clients=clients,
        recipe=recipe,
        settings=settings,
        workers=workers or min(usable_cores(), settings.clients_per_round),
        runs_dir=runs_dir,
        checkpoint_every=checkpoint_every or 0,
        keep_checkpoints=keep_checkpoints,
        options=options,
        model=model or "",
        model_table=dict(model_table or {}),
        init_from=init_from,
        init_sha256=weights_digest(init_from) if init_from is not None else "",
        mask_from=mask_from,
        mask_sha256=weights_digest(mask_from) if mask_from is not None else "",
    )


def resolve(
    recipe: str,
    seed: int,
    init_seed: int | None,
    overrides: Mapping[str, Any],
    dataset: str = "femnist",
    method: str | None = None,
) -> Settings:
    """Put settings together: a data set's recipe, then a method, then the options that were given (those not None).

    Examples
    --------
    >>> settings = resolve("paper", 1, None, {"rounds": 5, "sparsity": None})
    >>> settings.rounds, settings.clients_per_round, settings.sparsity, settings.init_seed
    (5, 35, 0.95, 1)
    """
    chosen = METHODS[method].settings if method else {}
    given = {**chosen, **{name: value for name, value in overrides.items() if value is not None}}
    seeds = {"seed": seed, "init_seed": seed if init_seed is None else init_seed}
    return recipes.recipe(dataset, recipe).settings(**given, **seeds)


def _try_model(data: FederatedDataset, simulation: Simulation) -> None:
    """Make sure that a model that was asked for takes samples of the data and returns logits of its classes."""
    name, shape, classes = simulation.model_name, data.input_shape, len(data.class_names)
    x = batch_last(np.zeros((2, *shape), np.float32))
    try:
        model = build(name, **{**simulation.model_arguments, "sparsity": 0.0})
        model.eval()
        with no_grad():
            logits = model(Tensor(x)).shape
    except Exception as error:  # whatever the code of a user's model raises
        what = f"--model {name} does not take samples of shape {shape} of {data.name}"
        raise ConfigError(f"{what} ({describe(error)})") from error
    if logits != (classes, 2):
        raise ConfigError(f"--model {name} returns shape {logits} for 2 samples, expected ({classes}, 2)")
