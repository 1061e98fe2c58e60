"""The README's picture and figures of real FEMNIST are those of the runs in docs/results."""

import importlib.util
import re
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).parents[1]


def load():
    """Import docs/results/headline.py."""
    spec = importlib.util.spec_from_file_location("headline", ROOT / "docs" / "results" / "headline.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    race = load().read_race()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    spent = {}
    for name in ("sparse 0.95", "torch"):
        first = int(np.flatnonzero(race[name]["test_accuracy"] >= 0.78)[0])
        spent[name] = round(race[name]["seconds"][: first + 1].sum()), first + 1
    (ours, rounds), (torch, torch_rounds) = spent["sparse 0.95"], spent["torch"]
    assert f"{ours} s of training and averaging instead of {torch} s" in readme
    assert f"{rounds} rounds instead of {torch_rounds}" in readme


def test_the_picture_can_be_drawn_again(tmp_path: Path) -> None:
    load().draw(tmp_path / "headline.png")
    assert (tmp_path / "headline.png").stat().st_size > 10_000
