"""`minizerofl expect`: inside, outside, or not comparable and why."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_cli.expect.expected import FREE, Expected, decides, read_expected
from minizerofl_cli.expect.judge import differences, judge
from minizerofl_cli.main import cli
from minizerofl_cli.report.rundata import Rows
from minizerofl_cli.runs.reading import History, RunFiles

SETTINGS = {"rounds": 2, "sparsity": 0.95, "seed": 7}
CONFIG = {
    "run": {"workers": 2},
    "data": {"dataset": "femnist", "source": "real", "fingerprint": "ab"},
    "settings": SETTINGS,
}
KNOWN = Expected(
    "minizerofl train", decides(CONFIG), "ab", range(5), [0.68, 0.7, 0.69, 0.69, 0.69], 60, "a machine", "t"
)


def a_run(accuracies: list[float], config=CONFIG) -> RunFiles:
    cells = [
        {"round": str(i), "test_accuracy": "" if np.isnan(each) else str(each), "cum_seconds": str(i)}
        for i, each in enumerate(accuracies, 1)
    ]
    return RunFiles(Path("run"), config, History(Rows(tuple(cells[0]), cells)))


@given(st.floats(0, 1))
def test_a_run_of_the_same_command_is_inside_or_outside(accuracy: float) -> None:
    low, high = KNOWN.range
    text = "\n".join(judge(a_run([0.1, accuracy]), [KNOWN]))
    assert ("\ninside: " in text) == (low <= accuracy <= high)
    assert ("\noutside: " in text) == (not low <= accuracy <= high)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_the_range_holds_the_mean_and_grows_with_the_spread(accuracies: list[float]) -> None:
    entry = replace(KNOWN, accuracies=accuracies)
    low, high = entry.range
    assert 0 <= low <= np.mean(accuracies) + 1e-12
    assert np.mean(accuracies) - 1e-12 <= high <= 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": {**SETTINGS, "sparsity": 0.9}}, "settings.sparsity is 0.9 instead of 0.95"),
        ({"settings": {**SETTINGS, "rounds": 3}}, "settings.rounds is 3 instead of 2"),
        ({"data": {**CONFIG["data"], "source": "synthetic"}}, "data.source is synthetic instead of real"),
        ({"data": {**CONFIG["data"], "fingerprint": "cd"}}, "other samples"),
    ],
)
def test_another_run_is_not_comparable_and_why(change: dict, told: str) -> None:
    text = "\n".join(judge(a_run([0.1, 0.69], {**CONFIG, **change}), [KNOWN]))
    assert "not comparable" in text
    assert told in text
    assert "inside" not in text


@pytest.mark.parametrize("accuracies", [[0.69], [0.69, float("nan")]])
def test_a_run_that_is_not_over_is_not_judged(accuracies: list[float]) -> None:
    text = "\n".join(judge(a_run(accuracies), [KNOWN]))
    assert f"not comparable: {len(accuracies)} of 2 rounds are done." in text


def test_seeds_and_where_it_ran_do_not_count() -> None:
    other = {
        "run": {"workers": 8},
        "data": {**CONFIG["data"], "partition_seed": 3},
        "settings": {**SETTINGS, "seed": 11, "init_seed": 12, "dense_layers": "fc1"},
    }
    assert not differences(KNOWN.config, decides(other))
    assert "inside" in "\n".join(judge(a_run([0.1, 0.69], other), [KNOWN]))
    assert {"seed", "init_seed"} <= set(FREE["settings"])


def test_what_the_package_expects_can_be_read_and_has_five_seeds() -> None:
    for entry in read_expected():
        assert len(entry.seeds) == len(entry.accuracies) >= 5
        low, high = entry.range
        assert low <= min(entry.accuracies) <= max(entry.accuracies) <= high
        assert entry.config["settings"]["rounds"] > 0


def test_the_command_lists_and_refuses(tmp_path: Path) -> None:
    listed = CliRunner().invoke(cli, ["expect"], catch_exceptions=False)
    assert listed.exit_code == 0
    assert all(entry.command in listed.output for entry in read_expected())
    refused = CliRunner().invoke(cli, ["expect", str(tmp_path)])
    assert refused.exit_code == 2
    assert "is not a run directory of minizerofl train" in refused.output
