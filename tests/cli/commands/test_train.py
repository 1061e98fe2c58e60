"""The options of `minizerofl train`: names, defaults, and what is refused before a run begins."""

import re
from dataclasses import fields

import pytest

from minizerofl.choices import CHOICES, PAPER_MODELS
from minizerofl.fl.recipes import RECIPES, SETTINGS
from minizerofl.fl.settings import Settings
from minizerofl_cli.runs.dataset import model_for
from minizerofl_cli.runs.plan import resolve
from minizerofl_cli.screen.help import default_text
from minizerofl_datasets import load
from minizerofl_datasets.catalogue import CATALOGUE


def test_every_set_has_recipes_and_a_model_of_the_paper():
    assert set(CATALOGUE) == set(RECIPES)
    for dataset in CATALOGUE:
        data = load(dataset, source="synthetic", clients=1)
        assert data.name == dataset
        assert model_for(data) in PAPER_MODELS


def test_every_choice_is_told_in_the_help(invoke):
    text = " ".join(invoke("train", "--help").output.split())
    for name, known in CHOICES.items():
        for choice in known:
            assert re.search(rf"--{name} (\[[^]]*|NAME [^.]*)\b{re.escape(choice)}\b", text), (name, choice)


def test_options_override_the_recipe_and_seeds_follow_the_seed():
    settings = resolve("paper", 7, None, {"rounds": 3, "mask_ratio": 0.0, "uplink": None})
    assert (settings.rounds, settings.mask_ratio, settings.uplink) == (3, 0.0, "topk-weights")
    assert (settings.clients_per_round, settings.lr_start, settings.lr_end) == (35, 0.004, 0.001)
    assert (settings.seed, settings.init_seed) == (7, 7)
    assert resolve("quick", 7, 0, {}).init_seed == 0


def test_help_shows_the_defaults_of_both_recipes(invoke):
    text = " ".join(invoke("train", "--help").output.split())
    for name in ("rounds", "clients_per_round", "lr_start", "lr_end", "eval_every", "sparsity", "mask_ratio"):
        assert default_text(name) in text
    assert text.count("minizerofl train --da") >= 3  # the examples


def test_every_setting_is_an_option_and_its_default_is_told(invoke):
    text = " ".join(invoke("train", "--help").output.split())
    for field in fields(Settings):
        assert f"--{field.name.replace('_', '-')} " in text
        if field.name not in {*SETTINGS, "seed", "init_seed", "eval_dense", "nesterov", "inject"}:
            after = text.split(f"--{field.name.replace('_', '-')} ")[1]
            expected = "--sparsity" if field.default is None else str(field.default)
            assert re.search(r"\[default: ([^]]*)\]", after).group(1).replace("- ", "-") == expected


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        (["--sparsity", "1.5"], 2, "--sparsity 1.5: expected 0 <= value < 1"),
        (["--sparsity", "nan"], 2, "--sparsity nan"),
        (["--mask-ratio", "-1"], 2, "--mask-ratio -1.0"),
        (["--rounds", "0"], 2, "--rounds 0: expected at least 1"),
        (["--rounds", "many"], 2, "'--rounds'"),
        (["--seed", "-1"], 2, "--seed -1"),
        (["--inject", "nam@1:*"], 2, "did you mean 'nan'?"),
        (["--quorum", "2"], 2, "--quorum 2.0"),
        (["--bn", "local", "--source", "synthetic"], 2, "has no BatchNorm"),
        (["--workers", "0"], 2, "'--workers'"),
        (["--clients", "0"], 2, "--clients 0"),
        (["--dataset", "femnits"], 2, "did you mean 'femnist'?"),
        (["--uplink", "topk-wights"], 2, "did you mean 'topk-weights'?"),
        (["--recipe", "papier"], 2, "did you mean 'paper'?"),
        (["--no-such-option"], 2, "--no-such-option"),
        (["--source", "synthetic", "--data-dir", "."], 2, "drop one"),
        (["--data-dir", "no-such-folder"], 3, "no-such-folder"),
        (["--source", "real"], 3, "fed_emnist_train.h5"),
        (["--source", "synthetic", "--clients", "3"], 4, "a round needs 10 clients"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_no_directory(options, code, expected, invoke, tmp_path):
    result = invoke("train", *options, "--runs-dir", tmp_path / "runs")
    assert result.exit_code == code
    *before, line = result.output.splitlines()
    assert expected in line
    assert all(each.startswith("femnist: SYNTHETIC") for each in before)
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_to(invoke, small, tmp_path):
    (tmp_path / "runs").write_text("a file")
    result = invoke("train", *small, "--runs-dir", tmp_path / "runs" / "below")
    assert result.exit_code == 6
    assert str(tmp_path / "runs") in result.output.splitlines()[-1]
