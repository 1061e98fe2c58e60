"""One run of `minizerofl bench --federation`, from its options to its tables and files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from minizerofl.fl import ConfigError, Settings
from minizerofl.fl.data import FederatedData
from minizerofl.fl.recipes import recipe
from minizerofl_cli.bench import blazefl
from minizerofl_cli.bench.federation import DENSE, TORCH, Contestant, Federation, race, search
from minizerofl_cli.bench.federation_report import as_json, blazefl_lines, plot_race, result_lines, speed_lines
from minizerofl_cli.bench.peer import require_peer, require_torch
from minizerofl_cli.bench.steps import sparse_name
from minizerofl_cli.bench.workload import DATASETS
from minizerofl_cli.runs.dataset import first_line, load
from minizerofl_cli.runs.environment import usable_cores
from minizerofl_cli.screen.tables import screen_width


@dataclass(frozen=True)
class FederationBench:
    """What `minizerofl bench --federation` was asked to do; the attributes are its options."""

    preset: str | None
    model: str | None
    batch_size: int | None
    sparsities: tuple[float, ...]
    workers: int | None
    torch: bool
    data_dir: Path | None
    rounds: int | None
    clients: int | None
    clients_per_round: int | None
    uplink: str | None
    mask_ratio: float | None
    rates: Mapping[str, float]
    tried: tuple[float, ...]
    targets: tuple[float, ...]
    seed: int
    json_file: Path | None
    plot: Path | None


def conduct_federation(asked: FederationBench, say: Callable[[str], None]) -> list[Contestant]:
    """Train all contestants, show and write down.

    Parameters
    ----------
    asked : FederationBench
        What.
    say : callable
        Shows a line.

    Raises
    ------
    ConfigError
        PyTorch is wanted and not installed or has no twin of the model, or an option is out of its range.
    DataError
        The data cannot be read.
    DivergedError
        The training of a contestant diverged.
    OSError
        A file cannot be written.
    """
    version = require_torch() if asked.torch else None
    model, name, data, dense = _blazefl(asked) if asked.preset else _setup(asked)
    contestants = _contestants(asked, dense)
    federation = Federation(data, model, asked.workers or min(usable_cores(), dense.clients_per_round))
    population = len(data.clients)
    opening = [
        name,
        f"{model.rpartition(':')[2]}, {dense.rounds} rounds, in each {dense.clients_per_round} of {population:,} "
        f"clients, {federation.workers} at once; local epochs {dense.local_epochs}, batch {dense.batch_size}",
        *([f"PyTorch {version}, dense, FedAvg, workers of one thread"] if version else []),
    ]
    scaled = _scaled(data, dense) if asked.preset else ""
    for line in (*opening, scaled) if scaled else opening:
        say(line)
    if asked.json_file:  # A folder that cannot be made is found now, not after the last round.
        asked.json_file.parent.mkdir(parents=True, exist_ok=True)
    if asked.tried:
        say("")
        say(f"Learning rates: each of {', '.join(f'{rate:g}' for rate in asked.tried)} in a whole run of its own:")
        for each in contestants:
            if each.name.removeprefix("sparse ") not in asked.rates:
                search(federation, each, asked.tried, say)
    say("")
    say("Rounds in turns; seconds are those of training and averaging so far:")
    race(federation, contestants, say)
    say("")
    for line in result_lines(contestants, asked.targets, screen_width()):
        say(line)
    say("")
    for line in speed_lines(contestants, screen_width()):
        say(line)
    falls = dense.lr_end / dense.lr_start
    notes = [f"Learning rates fall to {falls:.2g} of the first; MB = 1,000,000 bytes."] if falls < 1 else []
    if federation.layouts:
        notes.append(f"PyTorch ran with {' and '.join(sorted(federation.layouts))}, the faster layout here.")
    if federation.compiled:
        notes.append(f"Kernels were compiled ({federation.compiled:.1f} s) while the clock ran; run it once more.")
    for line in notes:
        say(line)
    if asked.preset:
        say("")
        for line in blazefl_lines(contestants, federation.workers, scaled):
            say(line)
    if asked.json_file:
        lines = [*opening, *notes, *([scaled] if scaled else [])]
        written = as_json(lines, contestants, asked.targets, federation.workers, federation.compiled)
        asked.json_file.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    if asked.plot:
        plot_race(contestants, opening[0].split(";")[0], asked.plot)
    return contestants


def _setup(asked: FederationBench) -> tuple[str, str, FederatedData, Settings]:
    """Return the model, a line about the data, the data, and the settings of dense training: the quick recipe's."""
    model = asked.model or "femnist_cnn"
    if asked.torch:
        require_peer(model)
    dataset = DATASETS[model]
    quick = recipe(dataset)
    source = "real" if asked.data_dir else "synthetic"
    data = load(dataset, source, asked.data_dir, "ink", asked.seed, asked.clients, options=quick.data)
    changed = {
        "rounds": asked.rounds,
        "clients_per_round": asked.clients_per_round,
        "batch_size": asked.batch_size,
    }
    dense = quick.settings(
        **{key: value for key, value in changed.items() if value is not None},
        sparsity=0.0,
        uplink="full",
        validation_samples=0,
        masks_every=0,
        seed=asked.seed,
        init_seed=asked.seed,
    )
    return model, first_line(data), data, dense


def _blazefl(asked: FederationBench) -> tuple[str, str, FederatedData, Settings]:
    """Return the same for BlazeFL's speed test."""
    data = blazefl.read_data(asked.data_dir, asked.clients, asked.seed)
    settings = blazefl.make_settings(asked.rounds, asked.clients, asked.seed)
    return blazefl.MODEL, first_line(data), blazefl.WholeData(data), settings


def _scaled(data: FederatedData, settings: Settings) -> str:
    """Say how much smaller than BlazeFL's test this one is; empty if it is not."""
    passes = settings.local_epochs * settings.rounds * sum(map(data.num_train, data.clients))
    if passes >= blazefl.PASSES:
        return ""
    share = 100 * passes / blazefl.PASSES
    return f"SCALED: {share:.2g} % of the test's {blazefl.PASSES:,} sample passes. Do not compare these times."


def _contestants(asked: FederationBench, dense: Settings) -> list[Contestant]:
    """Return PyTorch, if it takes part, our dense training, and sparse training at each sparsity."""
    given = recipe("femnist")  # Uplink and mask ratio are the same in all recipes.
    ratio = given.mask_ratio if asked.mask_ratio is None else asked.mask_ratio
    sparse = replace(dense, uplink=asked.uplink or given.uplink, mask_ratio=ratio)
    contestants = [Contestant(TORCH, dense)] if asked.torch else []
    contestants.append(Contestant(DENSE, dense))
    contestants += [Contestant(sparse_name(s), replace(sparse, sparsity=s)) for s in asked.sparsities]
    named = {each.name.removeprefix("sparse "): each for each in contestants}
    for name, rate in asked.rates.items():
        if name not in named:
            raise ConfigError(f"--lr {name}={rate:g}: {name} does not take part; {', '.join(named)} do")
        named[name].settings = named[name].with_rate(rate)
    return contestants
