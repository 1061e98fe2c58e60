"""Wrong options: the error speaks of the option as it is typed, never of arguments in Python."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_cli.commands.train import train
from minizerofl_cli.main import cli
from minizerofl_cli.screen.errors import flags_of
from minizerofl_cli.screen.wording import in_options

FLAGS = flags_of(cli)
# name=value, None, a name with an underscore that is an option, a call, a module of ours.
PYTHON = re.compile(
    r"\w=(?!\w*@|\d+@)\S|\bNone\b|\bTrue\b|partition\.split|\(\)|minizerofl[._]|(?<![\w/.'-])("
    + "|".join(name for name in FLAGS if "_" in name)
    + r")(?![\w/.'])"
)
WRONG = [
    *(("train", flag, value) for flag, value in [
        ("--sparsity", "95.0"), ("--weight-sparsity", "1"), ("--activation-sparsity", "-0.1"),
        ("--uplink-sparsity", "1"), ("--mask-ratio", "2"), ("--quorum", "nan"), ("--momentum", "1"),
        ("--weight-decay", "-1"), ("--lr-start", "0"), ("--lr-end", "inf"), ("--rounds", "0"),
        ("--clients-per-round", "-3"), ("--clients-per-round", "5000"), ("--local-epochs", "0"),
        ("--batch-size", "0"), ("--schedule-rounds", "-1"), ("--selection-period", "0"),
        ("--selection", "no_module:Rule"), ("--uplink", "no_module:Uplink"), ("--server", "no_module:Server"),
        ("--model", "no_module:build"), ("--server-lr", "-1"), ("--proximal-mu", "-1"), ("--round-deadline", "-1"),
        ("--eval-every", "0"), ("--eval-samples", "-1"), ("--validation-samples", "-1"), ("--masks-every", "-1"),
        ("--seed", "-1"), ("--init-seed", "-1"), ("--partition-seed", "-1"), ("--inject", "explode"),
        ("--dense-layers", "attic"), ("--clients", "-1"), ("--clients", "99999"), ("--holdout-writers", "-1"),
        ("--holdout-writers", "300"), ("--format", "zip"), ("--alpha", "1"), ("--num-clients", "5"),
        ("--words", "yes,no"), ("--min-size", "3"), ("--rounds", "9" * 30), ("--workers", "0"),
        ("--keep-checkpoints", "-1"), ("--checkpoint-every", "0"), ("--recipe", "slow"), ("--source", "fake"),
    ]),
    ("train", "--nesterov"),
    ("train", "--data-dir", "nowhere"),
    ("train", "--format", "leaf"),
    ("data", "info", "cifar10", "--num-clients", "0"),
    ("data", "info", "cifar10", "--alpha", "0"),
    ("data", "info", "cifar10", "--partition", "natural"),
    ("data", "info", "cifar10", "--partition", "iid", "--alpha", "2"),
    ("data", "info", "cifar10", "--holdout-writers", "2"),
    ("data", "info", "speech_commands", "--words", "bed"),
    ("data", "fetch", "cifar10", "--version", "v0.02"),
    ("data", "import", "no.npz", "--name", "Mine"),
    ("data", "import", "no.npz", "--name", "femnist"),
    ("data", "remove", "femnist", "--yes"),
    ("data", "build", "femnist-leaf", "--by-class", "no", "--by-write", "no", "--test-share", "2"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_option_is_named_as_it_is_typed(invoke, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    synthetic = ["--source", "synthetic"] if {"train", "info"} & {*arguments} and "nowhere" not in arguments else []
    result = invoke(*arguments, *([] if "--source" in arguments else synthetic))
    assert result.exit_code in (2, 3, 4), result.output
    line = result.output.splitlines()[-1]
    assert not PYTHON.search(line), line
    if not {"nowhere", "femnist", "--words"} & {*arguments}:
        flag = next(word for word in reversed(arguments) if word.startswith("--"))
        assert flag in line


def test_a_stored_partition_of_other_data_is_refused_with_a_way_out(invoke, tmp_path):
    options = ("--source", "synthetic", "--partition", "iid", "--num-clients", 2)
    made = invoke("data", "partition", "speech_commands", "--words", "yes,no", *options, "-o", tmp_path / "a.png")
    assert made.exit_code == 0, made.output
    result = invoke("train", "--dataset", "cifar10", "--source", "synthetic", "--partition", tmp_path / "a.json")
    assert result.exit_code == 2
    line = result.output.splitlines()[-1]
    assert "--data-dir" in line
    assert "minizerofl data partition" in line
    assert not PYTHON.search(line.replace("minizerofl: ", "")), line


@given(st.text(max_size=60))
def test_text_without_the_name_of_an_option_stays(text):
    if not any(name in text for name in FLAGS):
        assert in_options(text, FLAGS) == text


@given(st.sampled_from(sorted(FLAGS)), st.floats(allow_nan=False))
def test_a_setting_out_of_its_range(name, value):
    line = in_options(f"{name} is {value}, expected 0 <= {name} < 1", FLAGS)
    assert line == f"{FLAGS[name]} {value}: expected 0 <= value < 1"


def test_a_path_that_holds_the_name_of_an_option_stays():
    text = "/home/me/data_dir/run: cannot be read; settings.mask_ratio is 'x'"
    assert in_options(text, FLAGS) == text


def test_every_option_of_train_can_be_named():
    assert {each.name for each in train.params} <= set(FLAGS)
