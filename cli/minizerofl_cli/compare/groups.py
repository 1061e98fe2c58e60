"""Runs in groups: what differs in their settings makes a group, seeds are repetitions, other data are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from minizerofl.fl.errors import ConfigError
from minizerofl.fl.settings import Settings
from minizerofl.registry import hint
from minizerofl_cli.runs.dataset import kind
from minizerofl_cli.runs.plan import effective
from minizerofl_cli.runs.reading import RunFiles

Value = str | int | float

# How long a run goes on and how often it is looked at do not change what a round does.
FREE = frozenset(
    {"rounds", "seed", "init_seed", "eval_every", "eval_samples", "eval_dense", "validation_samples", "masks_every"}
)
# These follow from others, as a rule: they name a group only where nothing else does.
DERIVED = (
    *("dense_layers", "weight_sparsity", "activation_sparsity", "uplink_sparsity", "schedule_rounds", "server_lr"),
    *("clients", "model"),
)

TOLD_ELSEWHERE = frozenset({"name", "sparsity", "seed"})  # what the table [model] of config.toml repeats


class Seed(NamedTuple):
    """What makes a repetition: the seeds of sampling, of the initial weights and of the division into clients."""

    seed: int
    init_seed: int
    partition_seed: int

    @classmethod
    def of(cls, run: RunFiles) -> Seed:
        """Return the seeds of a run."""
        settings = run.config["settings"]
        seed, partition = int(settings.get("seed", 0)), int(run.config["data"]["partition_seed"])
        return cls(seed, int(settings.get("init_seed", seed)), partition)

    def __str__(self) -> str:
        """Return the seed, and the other two where they are not the same."""
        if self.seed == self.init_seed == self.partition_seed:
            return str(self.seed)
        return f"{self.seed} (init {self.init_seed}, partition {self.partition_seed})"


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but their seeds.

    Attributes
    ----------
    letter : str
        A short name: A, B, ...
    differs : dict of str to value
        The settings in which it differs from other groups.
    runs : dict of Seed to RunFiles
        Its runs.
    """

    letter: str
    differs: Mapping[str, Value]
    runs: Mapping[Seed, RunFiles]

    @property
    def label(self) -> str:
        """The settings that make it, as ``name=value``."""
        return ", ".join(f"{name}={value}" for name, value in self.differs.items())


@dataclass(frozen=True)
class Groups:
    """All runs of a comparison.

    Attributes
    ----------
    groups : tuple of Group
        At least one; the baseline is one of them.
    baseline : Group
        That with which the others are compared.
    notes : tuple of str
        What was left out, and why.
    """

    groups: Sequence[Group]
    baseline: Group
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def runs(self) -> list[RunFiles]:
        """All runs, group by group."""
        return [run for group in self.groups for run in group.runs.values()]

    @property
    def data(self) -> str:
        """What the runs were trained on, for people."""
        data = self.runs[0].config["data"]
        return f"{data['dataset']}, {kind(data['source'])}"

    @property
    def synthetic(self) -> bool:
        """Whether the data were drawn by a program."""
        return str(self.runs[0].config["data"]["source"]) != "real"

    @property
    def seeds(self) -> list[Seed]:
        """The seeds that occur."""
        return sorted({seed for group in self.groups for seed in group.runs})


def make_groups(runs: Iterable[RunFiles], baseline: str | None = None) -> Groups:
    """Put runs into groups.

    Parameters
    ----------
    runs : iterable of RunFiles
        The runs; the order in which groups first occur is kept.
    baseline : str, optional
        The letter or label of a group, or the directory of one of its runs; by default the first group.

    Raises
    ------
    ConfigError
        There is nothing to compare, the runs are of different data, or no group is called like the baseline.
    """
    notes = []
    used = []
    for run in runs:
        if run.history.evaluated.any():
            used.append(run)
        else:
            notes.append(f"{run.path} is left out: no round of it was evaluated.")
    if not used:
        raise ConfigError("none of these runs has a round that was evaluated; let one finish first")
    check_data(used)
    settings = [settings_of(run) for run in used]
    names = naming(settings) or ["uplink", "sparsity", "mask_ratio"]
    parts: dict[tuple[object, ...], dict[Seed, RunFiles]] = {}
    differs: dict[tuple[object, ...], dict[str, Value]] = {}
    for run, its in zip(used, settings, strict=True):
        key = tuple(sorted((name, repr(value)) for name, value in its.items()))
        group, seed = parts.setdefault(key, {}), Seed.of(run)
        differs[key] = {name: its[name] for name in names if name in its}
        if seed not in group:
            group[seed] = run
            continue
        long, short = sorted((group[seed], run), key=lambda each: each.history.rounds, reverse=True)
        group[seed] = long
        notes.append(f"{short.path} is left out: it repeats {long.path}, with the same settings and seeds.")
    groups = [Group(letter(i), differs[key], group) for i, (key, group) in enumerate(parts.items())]
    return Groups(groups, _find(groups, baseline) if baseline else groups[0], tuple(notes))


def settings_of(run: RunFiles) -> dict[str, Value]:
    """Return the settings of a run that make a group: those that have an effect on what a round does."""
    config = run.config
    known = {**asdict(Settings()), **config["settings"]}  # Earlier versions had fewer settings.
    for name in ("weight_sparsity", "activation_sparsity", "uplink_sparsity"):
        known[name] = known["sparsity"] if known[name] is None else known[name]
    settings = {name: value for name, value in effective(known).items() if name not in FREE}
    data = {name: config["data"][name] for name in ("polarity", "clients")}
    model = {f"model.{name}": value for name, value in config["model"].items() if name not in TOLD_ELSEWHERE}
    return {"model": config["model"]["name"], **settings, **data, **config["data_options"], **model}


def naming(settings: Sequence[Mapping[str, Value]]) -> list[str]:
    """Return the names of settings by which the groups are told apart; what follows from others is left out.

    Examples
    --------
    >>> naming([{"sparsity": sp, "weight_sparsity": sp, "momentum": 0.9} for sp in (0.9, 0.95)])
    ['sparsity']
    """
    everything = dict.fromkeys(name for each in settings for name in each)
    names = [name for name in everything if len({repr(each.get(name)) for each in settings}) > 1]
    for name in DERIVED:
        fewer = [each for each in names if each != name]
        if name in names and _parts(settings, fewer) == _parts(settings, names):
            names = fewer
    return names


def check_data(runs: Sequence[RunFiles]) -> None:
    """Make sure that the runs were trained and tested on the same data.

    A synthetic set is drawn from the partition seed: only runs with the same one must have the same content. Runs from
    before there were fingerprints pass.

    Raises
    ------
    ConfigError
        They were not.
    """
    first: dict[tuple[str, object], tuple[RunFiles, object]] = {}
    for run in runs:
        data = run.config["data"]
        drawn = data["partition_seed"] if data["source"] == "synthetic" else None
        facts = {
            ("data", None): f"{data['dataset']}, {kind(data['source'])}",
            ("fingerprint of the data", drawn): data.get("fingerprint"),
            ("number of test samples", data["partition_seed"]): run.test_samples,
        }
        for fact, value in facts.items():
            if value is None:
                continue
            other, had = first.setdefault(fact, (run, value))
            if had != value:
                raise ConfigError(
                    f"the runs are of different data and cannot be compared ({fact[0]}): {other.path} has {had}, "
                    f"{run.path} has {value}"
                )


def letter(i: int) -> str:
    """Return the short name of a group.

    Examples
    --------
    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'AA')
    """
    return (letter(i // 26 - 1) if i >= 26 else "") + chr(ord("A") + i % 26)


def _parts(settings: Sequence[Mapping[str, Value]], names: Sequence[str]) -> list[int]:
    """Say for each run which is the first one with the same values."""
    values = [tuple(repr(each.get(name)) for name in names) for each in settings]
    return [values.index(value) for value in values]


def _find(groups: Sequence[Group], wanted: str) -> Group:
    asked = {each.strip() for each in wanted.split(",")}
    for group in groups:
        if wanted == group.letter or any(Path(wanted).resolve() == run.path.resolve() for run in group.runs.values()):
            return group
    found = [group for group in groups if asked <= set(group.label.split(", "))]
    if len(found) == 1:
        return found[0]
    labels = [group.label for group in groups]
    raise ConfigError(
        f"--baseline {wanted} names {len(found) or 'no'} groups{hint(wanted, labels)}; expected a letter, a run "
        f"directory, or settings of one of: {'; '.join(labels)}"
    )
