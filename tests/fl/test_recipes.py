"""Recipes hold settings and options of the data, and nothing else."""

import inspect
from dataclasses import fields, replace

import pytest

from minizerofl.fl import ConfigError, Recipe, Settings, recipe
from minizerofl.fl.recipes import NAMES, RECIPES, SETTINGS
from minizerofl_datasets.catalogue import CATALOGUE

ALL = [(dataset, name) for dataset in RECIPES for name in NAMES]


@pytest.mark.parametrize(("dataset", "name"), ALL)
def test_a_recipe_makes_settings_that_hold(dataset, name):
    found = recipe(dataset, name)
    settings = found.settings()
    assert {each: getattr(settings, each) for each in SETTINGS} == {each: getattr(found, each) for each in SETTINGS}
    assert replace(settings, **{each: getattr(Settings(), each) for each in SETTINGS}) == Settings()


def test_settings_of_a_recipe_can_be_changed_and_added_to():
    changed = recipe("femnist").settings(rounds=3, seed=7)
    assert (changed.rounds, changed.seed, changed.lr_start) == (3, 7, 0.2)
    assert changed == replace(recipe("femnist").settings(), rounds=3, seed=7)
    with pytest.raises(ConfigError, match="sparsity is 2"):
        recipe("femnist").settings(sparsity=2)


def test_an_unknown_recipe_is_named():
    with pytest.raises(ConfigError, match=r"recipe 'papier'.*did you mean 'paper'"):
        recipe("femnist", "papier")
    assert recipe("my-scans") == recipe("cifar10", "quick")


@pytest.mark.parametrize(("dataset", "name"), ALL)
def test_a_recipe_names_options_of_its_set(dataset, name):
    assert set(recipe(dataset, name).data) <= set(inspect.signature(CATALOGUE[dataset].load()).parameters)


def test_all_recipes_decide_the_same():
    assert {field.name for field in fields(Recipe)} == {*SETTINGS, "data"}


@pytest.mark.parametrize(
    ("dataset", "rounds", "per_round", "lr"),
    [
        ("femnist", 1000, 35, (0.004, 0.001)),
        ("cifar10", 700, 10, (0.1, 0.01)),
        ("speech_commands", 200, 10, (0.01, 0.001)),
    ],
)
def test_the_paper(dataset, rounds, per_round, lr):
    paper = recipe(dataset, "paper")
    assert (paper.rounds, paper.clients_per_round, paper.local_epochs) == (rounds, per_round, 1)
    assert (paper.lr_start, paper.lr_end) == lr
    assert (paper.sparsity, paper.mask_ratio, paper.uplink) == (0.95, 0.2, "topk-weights")
    assert (
        paper.data
        == {
            "femnist": {},
            "cifar10": {"num_clients": 100},
            "speech_commands": {"num_clients": 100, "features": "mfcc"},
        }[dataset]
    )
