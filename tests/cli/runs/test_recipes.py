"""Recipes hold settings and options of the data, and nothing else."""

import inspect
from dataclasses import fields

import pytest

from minizerofl.fl import Settings
from minizerofl_cli.runs.recipes import NAMES, RECIPES, SETTINGS, find_recipe
from minizerofl_datasets.catalogue import CATALOGUE

ALL = [(dataset, name) for dataset in RECIPES for name in NAMES]


@pytest.mark.parametrize(("dataset", "name"), ALL)
def test_a_recipe_makes_settings_that_hold(dataset, name):
    settings = find_recipe(dataset, name).settings()
    assert set(settings) == set(SETTINGS)
    assert not set(settings) & {"seed", "init_seed"}
    assert Settings(**settings).rounds == settings["rounds"]


@pytest.mark.parametrize(("dataset", "name"), ALL)
def test_a_recipe_names_options_of_its_set(dataset, name):
    assert set(find_recipe(dataset, name).data) <= set(inspect.signature(CATALOGUE[dataset].load()).parameters)


def test_all_recipes_decide_the_same():
    assert {field.name for field in fields(find_recipe("femnist", "paper"))} == {*SETTINGS, "data"}


@pytest.mark.parametrize(
    ("dataset", "rounds", "per_round", "lr"),
    [
        ("femnist", 1000, 35, (0.004, 0.001)),
        ("cifar10", 700, 10, (0.1, 0.01)),
        ("speech_commands", 200, 10, (0.01, 0.001)),
    ],
)
def test_the_paper(dataset, rounds, per_round, lr):
    paper = find_recipe(dataset, "paper")
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
