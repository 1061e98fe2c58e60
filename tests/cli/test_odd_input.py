"""Odd values in TOML files and on command lines: taken, or refused in one line with exit code 2."""

import json
import math
import tomllib
from contextlib import suppress

import click
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from minizerofl.fl.errors import ConfigError
from minizerofl.registry import ChoiceError
from minizerofl_cli.commands.train import train
from minizerofl_cli.runs.plan import make_plan

NAMES = sorted(each.name for each in train.params if each.name not in ("config", "debug", "dry_run"))
OPTIONS = [each.opts[0] for each in train.params if each.name != "config"]
OTHERS = ["settings", "run", "data", "model", "name", "num_classes", "minizerofl", "all_clients", "", "ruonds"]

numbers = st.integers() | st.sampled_from([0, -1, 2**31, 2**63 - 1, 2**64, 10**90, -(10**400)]) | st.floats()
FAULTS = ["drop@" + 90 * "9" + ":#0", "nan@1-" + 5000 * "9" + ":*", "slow=" + 400 * "9" + "@1:*", "slow=1.1.1@1:*"]
PATHS = ["../..", "~", "~nobody/x", ".json", "\0.json", "x" * 5000 + ".json", "é" * 5000, "", "\0", "a\0b"]
NAMED = ["os:system", "a:b:c", ":", "a.b:", "femnist", "nan", "inf", "1e999", 5000 * "9"]
texts = st.text(max_size=20) | st.sampled_from([*FAULTS, *PATHS, *NAMED])
scalars = st.booleans() | numbers | texts
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)
keys = st.sampled_from(NAMES) | st.sampled_from(OTHERS) | st.text(max_size=8)
COMMANDS = [("train", "--dry-run", "--source", "synthetic", "--config"), ("sweep", "--dry-run")]


def _toml(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f") if value.isascii() else _toml_text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    return str(value)


def _toml_text(text: str) -> str:
    return '"' + "".join(f"\\U{ord(each):08x}" for each in text) + '"'


def _refused_well(result) -> None:
    assert result.exit_code in (0, 2), result.output
    assert "internal error" not in result.output
    if result.exit_code == 2:
        assert len(result.output.splitlines()) == 1, result.output


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(keys, values, max_size=3))
@example({"data_dir": True})
@example({"runs_dir": False})
@example({"data_dir": "a\0b"})
@example({"partition": "\0.json"})
@example({"dataset": True})
@example({"clients": 10**12})
@example({"workers": 10**30})
@example({"inject": "drop@" + 90 * "9" + ":#0"})
@example({"seed": 10**400})
def test_a_file_of_odd_values(invoke, tmp_path, table):
    file = tmp_path / "odd.toml"
    file.write_text("".join(f"{_toml(key)} = {_toml(value)}\n" for key, value in table.items()), encoding="utf-8")
    _refused_well(invoke("sweep", file, "--dry-run", "--runs-dir", tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


@given(st.lists(st.tuples(st.sampled_from(OPTIONS), texts | st.integers().map(str) | st.floats().map(str)), max_size=3))
@example([("--inject", "drop@" + 90 * "9" + ":#0")])
@example([("--rounds", "9" * 5000)])
@example([("--partition-seed", "9" * 100)])
def test_odd_command_lines(pairs):
    """What a shell can hand over is taken or refused before any data are loaded."""
    arguments = [part.replace("\0", "") for pair in pairs for part in pair]
    refused = click.UsageError, ConfigError, ChoiceError, click.exceptions.Exit
    with suppress(*refused):
        parameters = train.make_context("train", arguments).params
        del parameters["dry_run"]
        plan = make_plan(**parameters)
        assert plan.settings.rounds >= 1  # what was taken is a plan that can be run
        assert plan.workers >= 1


@pytest.mark.parametrize(
    "content",
    [
        b"a = " + 100_000 * b"[" + 100_000 * b"]",
        b"[" + b".".join([b"a"] * 20_000) + b"]",
        b"a = " + 5000 * b"{a = " + b"1" + 5000 * b"}",
        b"rounds = " + 5000 * b"9",
        b"rounds = 1e400",
        b"rounds = 0x" + 5000 * b"f",
        b"\xff\xfe",
        b"\0",
        b"rounds = 1979-05-27T07:32:00Z",
        b"[[settings]]\nrounds = 1",
        b"[settings]\n[settings.rounds]\na = 1",
        b"settings = 5",
        b"model = [1]",
        b"[model]\nname = []",
        b"[model]\nsparsity = true",
    ],
)
@pytest.mark.parametrize(
    "command", [("train", "--dry-run", "--source", "synthetic", "--config"), ("sweep", "--dry-run")]
)
def test_odd_files(invoke, tmp_path, content, command):
    (tmp_path / "odd.toml").write_bytes(content)
    result = invoke(*command, tmp_path / "odd.toml")
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1), result.output
    assert "internal error" not in result.output


def test_a_dry_run_shows_a_config_that_can_be_read(invoke, small):
    output = invoke("train", *small, "--dry-run").output
    config = output[output.index("[run]") : output.index("Estimated")]
    assert tomllib.loads(config)["settings"]["rounds"] == 2


def test_a_fault_that_can_never_strike_is_told(invoke, small, tmp_path):
    plan = "drop@9:*, drop@1-2:nobody, drop@2:#7, nan@2-1:*, drop@1:#0"
    result = invoke("train", *small, "--inject", plan, "--runs-dir", tmp_path)
    assert result.exit_code == 0, result.output
    told = [line for line in result.output.splitlines() if "can never strike" in line]
    assert len(told) == 4
    assert all(text in line for text, line in zip(plan.split(", "), told, strict=False))


def test_a_device_or_a_folder_is_no_file_of_options(invoke, tmp_path):
    for path in (tmp_path, "/dev/null/x", "x" * 5000):
        for command in COMMANDS:
            result = invoke(*command, path)
            assert (result.exit_code, len(result.output.splitlines())) == (2, 1), result.output
