"""Recipes hold settings, all of them and nothing else."""

from dataclasses import fields

from minizerofl.fl import Settings
from minizerofl_cli.recipes import RECIPES, Recipe


def test_a_recipe_decides_all_settings_but_the_seeds():
    assert {field.name for field in fields(Settings)} - {field.name for field in fields(Recipe)} == {
        "seed",
        "init_seed",
    }


def test_the_paper():
    paper = RECIPES["paper"]
    assert (paper.rounds, paper.clients_per_round, paper.local_epochs) == (1000, 35, 1)
    assert (paper.lr_start, paper.lr_end, paper.batch_size) == (0.004, 0.001, 10)
