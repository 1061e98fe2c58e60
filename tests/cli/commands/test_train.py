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
            assert re.search(rf"--{name.replace('_', '-')} (\[[^]]*|NAME [^.]*)\b{re.escape(choice)}\b", text), (
                name,
                choice,
            )


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


def test_quiet_says_the_result_only_and_logs_everything(invoke, small, tmp_path):
    quiet = invoke("train", *small, "--inject", "crash@1:#0", "-q", "--runs-dir", tmp_path / "runs")
    assert quiet.exit_code == 0, quiet.output
    (run,) = (tmp_path / "runs").glob("*-*")
    log = (run / "train.log").read_text().splitlines()
    lines = quiet.output.splitlines()
    assert lines[0].startswith("round 1: 1 of 2 clients crashed")
    assert lines[1].startswith("Final test accuracy")
    assert lines == [line for line in log if line in lines]
    assert any(line.startswith("femnist: SYNTHETIC") for line in log)
    assert sum(line.startswith(("round 1/2", "round 2/2")) for line in log) == 2


def test_verbose_says_what_each_client_did(invoke, small, tmp_path):
    result = invoke("train", *small, "-v", "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 0, result.output
    (run,) = (tmp_path / "runs").glob("*-*")
    log = (run / "train.log").read_text()
    for text in (result.output, log):
        assert len(re.findall(r"^round \d: \S+: [\d,]+ samples, loss \S+, 0.25 MB, \S+ s$", text, re.MULTILINE)) == 4


def test_quiet_and_verbose_exclude_each_other(invoke):
    for command in ("train", "resume .", "sweep a.toml"):
        result = invoke(*command.split(), "-q", "-v")
        assert (result.exit_code, "exclude each other" in result.output) == (2, True)


def test_hints_are_shown_once(invoke, small, tmp_path):
    rest = [option for option in small if option not in ("--source", "synthetic")]
    outputs = [invoke("train", *rest, "--runs-dir", tmp_path / "runs").output for _ in range(2)]
    for hint in ("To use real data: ", "MB = 1,000,000 bytes"):
        assert [hint in output for output in outputs] == [True, False]
        assert all(hint in (run / "train.log").read_text() for run in (tmp_path / "runs").iterdir())
