"""docs/compare.md: its sweep and its commands work, and what it says about intervals is what the code does."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from minizerofl_cli.compare.statistics import bootstrap_interval
from minizerofl_cli.main import cli
from minizerofl_cli.runs.reading import RunFiles

PAGE = (Path(__file__).parents[3] / "docs" / "compare.md").read_text()
SMALLER = {"clients = 12": "clients = 3", "clients-per-round = 4": "clients-per-round = 2", "rounds = 10": "rounds = 2"}
COMMANDS = [
    shlex.split(line) for line in re.findall(r"^minizerofl (sweep ratios.*|compare runs.* --to.*)$", PAGE, re.MULTILINE)
]


@pytest.mark.long
@pytest.mark.usefixtures("small_model")
def test_the_example_of_the_page(invoke, tmp_path, monkeypatch):
    """The same commands on a smaller sweep: the form of what they print is that of the page."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    for old, new in {
        **SMALLER,
        "[0, 1, 2, 3, 4]": "[0, 1]",
        "lr-end": 'model = "my_model:small_cnn"\neval-samples = 30\nlr-end',
    }.items():
        assert old in text
        text = text.replace(old, new)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ratios.toml").write_text(text)
    results = [invoke(*arguments) for arguments in COMMANDS]
    assert [result.exit_code for result in results] == [0] * len(results), results[-1].output
    assert "6 runs in runs/sweep-ratios, for 8 combinations" in results[-4].output
    assert sorted(path.name for path in Path("ratios").iterdir()) == ["compare.csv", "compare.html", "compare.md"]
    (shown,) = re.findall(r"```\n(femnist, SYNTHETIC data: .*?)```", PAGE, re.DOTALL)
    assert titles(shown) == titles(results[-2].output)


@pytest.mark.long
def test_the_megabytes_of_the_page(invoke, tmp_path):
    """A run of group B: what it sends both ways is what the page shows."""
    (text,) = re.findall(r"```toml\n(.*?)uplink = ", PAGE, re.DOTALL)
    (tmp_path / "b.toml").write_text(text)
    place = ("--config", tmp_path / "b.toml", "--runs-dir", tmp_path)
    result = invoke("train", *place, "--mask-ratio", "0", "--eval-every", "10")
    assert result.exit_code == 0, result.output
    history = RunFiles.read(tmp_path / "latest").history
    (shown,) = re.findall(r"^group +MB up +MB down.*\n.*\nB +([\d,]+) ± 0 +([\d,]+) ± 0 ", PAGE, re.MULTILINE)
    sent = [history.numbers(f"cum_{way}link_bytes")[-1] / 1e6 for way in ("up", "down")]
    assert sent == pytest.approx([int(way.replace(",", "")) for way in shown], abs=1)


def titles(shown: str) -> list[str]:
    """Return the lines that stand above tables, without numbers."""
    lines = re.split(r"\n±|\nNote", shown)[0].splitlines()
    return [re.sub(r"[\d.,]+", "", line) for before, line in pairwise(lines) if not before]


def test_the_groups_and_options_of_the_page():
    known = {name for option in cli.commands["compare"].params for name in option.opts}
    known |= {name for option in cli.commands["train"].params for name in option.opts}
    known |= {"--dry-run", "--eval-"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= known


@pytest.mark.parametrize("seeds", [3, 5])
def test_how_often_an_interval_holds_the_true_difference(seeds):
    head, _, row = re.findall(r"^\| seeds .*\n.*\n.*$", PAGE, re.MULTILINE)[0].splitlines()
    promised = dict(zip(head.split("|")[2:-1], row.split("|")[2:-1], strict=True))[f" {seeds} "]
    rng = np.random.default_rng(seeds)
    intervals = [bootstrap_interval(rng.normal(size=seeds)) for _ in range(250)]
    share = np.mean([low <= 0 <= high for low, high in intervals])
    assert share == pytest.approx(float(promised.strip(" %")) / 100, abs=0.08)
