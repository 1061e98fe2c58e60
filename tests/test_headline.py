"""The README's picture and figures of real FEMNIST are those of the runs in docs/results."""

import importlib
import re
from pathlib import Path
from statistics import median
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripts of docs/results find each other, as they do when one of them is run."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "results")


def load(name: str = "headline") -> ModuleType:
    """Import a script of docs/results."""
    return importlib.import_module(name)


def test_the_figures_of_the_readme_are_those_of_the_runs() -> None:
    headline = load()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ends = {name: {column: values[:, -1] for column, values in headline.read(name).items()} for name in headline.RUNS}
    zerofl, dense = ends["zerofl"], ends["dense"]
    seconds = [round(median(each["training_seconds"])) for each in (zerofl, dense)]
    assert f"{seconds[0]} s of training and averaging instead of {seconds[1]} s" in readme
    low, high = ([f"{100 * end(each['test_accuracy']):.1f}" for each in (zerofl, dense)] for end in (np.min, np.max))
    assert f"{low[0]} to {high[0]} % instead of {low[1]} to {high[1]} %" in readme
    sent = dense["uplink_bytes"].mean() / zerofl["uplink_bytes"].mean()
    assert f"{sent:.1f} times less (`csr`" in readme
    accuracies, balanced = (
        "{:.1f}, {:.1f} and {:.1f} %".format(*(100 * zerofl[name])) for name in ("test_accuracy", "balanced_accuracy")
    )
    assert accuracies in readme
    assert balanced in re.sub(r"\s+", " ", readme)


def test_the_race_of_the_readme_is_the_one_of_the_picture() -> None:
    race = load("race")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    contestants = race.read("race")
    ours, torch = (race.reached(contestants[name], 78) for name in ("sparse 0.95", "torch"))
    seconds = f"{ours['seconds']:.0f} s of training and averaging instead of {torch['seconds']:.0f} s"
    assert f"{seconds}; {ours['round']:.0f} rounds instead of {torch['round']:.0f}" in readme


def test_the_picture_can_be_drawn_again(tmp_path: Path) -> None:
    load().draw(tmp_path / "headline.png")
    assert (tmp_path / "headline.png").stat().st_size > 10_000


def test_what_the_readme_says_of_ssfl_is_in_the_table() -> None:
    found = load("tables").Results.read("methods-sp95")
    both = {
        name: sum(np.mean([*found.last(name, f"cum_{way}link_bytes").values()]) for way in ("up", "down"))
        for name in ("top-k", "ssfl")
    }
    seconds = np.median(found.seconds["ssfl"]) / np.median(found.seconds["top-k"])
    lead = found.difference("ssfl", "top-k")
    assert lead.interval[0] > 0
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    fewer = f"{both['top-k'] / both['ssfl']:.1f} times fewer bytes"
    said = f"ends {lead.mean:.0f} points above it with {fewer}, in {seconds:.1f} times the seconds"
    assert said in readme


def test_what_the_readme_says_of_cifar10_is_in_the_table() -> None:
    found = load("tables").Results.read("cifar10-70")
    above, below = (found.difference(f"topk-weights-r{ratio}", "full") for ratio in ("0.2", "0"))
    assert above.pairs == below.pairs == 1
    for page in ("README.md", "docs/results.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert f"r = 0.2 ends {above.mean:.1f} points above `full`" in text
        assert f"r = 0 ends {-below.mean:.1f} points below it" in text
