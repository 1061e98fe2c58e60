"""The laboratories: their cells run as they stand, and what the pages promise is what was measured."""

import csv
import os
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click.testing
import matplotlib.pyplot as plt
import numpy as np
import pytest

from minizerofl_cli.main import cli

LABS = Path(__file__).parents[1] / "docs" / "labs"
EXPECTED = SimpleNamespace(**runpy.run_path(str(LABS / "expected.py")))
NAMES = list(EXPECTED.LABS)
PARTS = ["Predict", "Run", "Expected", "Three questions", "On real data"]
FIGURES = EXPECTED.expected()
ELSEWHERE = 5.0  # points by which another machine's rounding may move an accuracy of few test images


def text(name: str) -> str:
    return (LABS / f"{name}.md").read_text(encoding="utf-8")


def cells(name: str) -> list[str]:
    """Return the code cells of a page, without their tags."""
    found = re.findall(
        r"^```\{code-cell\} ipython3\n(?::tags: [^\n]*\n\n)?(.*?)^```$", text(name), re.MULTILINE | re.DOTALL
    )
    assert len(found) == text(name).count("{code-cell}")
    return found


def sweep_of(name: str) -> str:
    """Return the sweep file that a page writes."""
    start = f"%%writefile {name}.toml\n"
    (cell,) = (cell for cell in cells(name) if cell.startswith("%%"))
    assert cell.startswith(start)
    return cell.removeprefix(start)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def run_cell(cell: str, names: dict[str, Any]) -> str:
    """Run a cell as a notebook does, the command line in this process; return what its commands print."""
    if cell.startswith("%%writefile "):
        head, _, content = cell.partition("\n")
        Path(head.split()[1]).write_text(content)
        return ""
    if cell.startswith("!minizerofl "):
        result = click.testing.CliRunner().invoke(cli, shlex.split(cell)[1:])
        assert result.exit_code == 0, result.output
        return result.output
    assert not re.search(r"^[!%]", cell, re.MULTILINE)
    exec(compile(cell, "cell", "exec"), names)
    return ""


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder, without real data, and draw on no screen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    backend = plt.get_backend()
    plt.switch_backend("agg")
    yield tmp_path
    plt.close("all")
    plt.switch_backend(backend)


@pytest.mark.skipif("MINIZEROFL_BOOK" not in os.environ, reason="takes minutes: run with the tests of the book")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # an old matplotlib with a new pyparsing
@pytest.mark.parametrize("name", NAMES)
def test_the_cells_run_and_give_what_is_expected(name: str, notebook: Path) -> None:
    names: dict[str, Any] = {}
    for cell in cells(name):
        run_cell(cell, names)
        if cell.startswith("%%writefile ") and name != "five-seeds":  # one seed shows that the cells run
            file = Path(f"{name}.toml")
            file.write_text(re.sub(r"^seed = \[0.*$", "seed = [0]", file.read_text(), flags=re.MULTILINE))
    (figure,) = map(plt.figure, plt.get_fignums())
    assert all(ax.has_data() and "SYNTHETIC" in ax.get_title() for ax in figure.axes)
    sweep = notebook / "runs" / f"sweep-{name}"
    assert all(row["status"] == "finished" and row["source"] == "synthetic" for row in rows(sweep / "results.csv"))
    for group, values in EXPECTED.measured(name, sweep).items():
        assert values.keys() == FIGURES[name]["groups"][group].keys()
        for measure, found in values.items():
            before = FIGURES[name]["groups"][group][measure]
            room = ELSEWHERE if "%" in measure or "points" in measure else 0.1 * max(before)
            assert min(before) - room <= min(found) <= max(found) <= max(before) + room, f"{group}: {measure}"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_writes_the_sweep_file_as_it_is(name: str) -> None:
    assert sweep_of(name) == (LABS / f"{name}.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_the_ranges_that_were_measured(name: str) -> None:
    found = EXPECTED.MARKS.search(text(name))
    assert found is not None
    assert found[0] == found[1] + EXPECTED.table(name, FIGURES[name]) + found[2]


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_comes_from_five_seeds(name: str) -> None:
    assert FIGURES[name]["seeds"] == EXPECTED.seeds(name)
    assert len(FIGURES[name]["seeds"]) >= 5
    values = [each for group in FIGURES[name]["groups"].values() for each in group.values()]
    assert all(len(each) == len(FIGURES[name]["seeds"]) for each in values)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_every_part(name: str) -> None:
    assert re.findall(r"^## (.*)$", text(name), re.MULTILINE) == PARTS
    assert "SYNTHETIC" in text(name)
    assert len(re.findall(r"^\d\. ", text(name).split("## Three questions")[1].split("## ")[0], re.MULTILINE)) == 3
    assert f"]({name}.md)" in text("index")


def test_the_answers_are_to_these_laboratories() -> None:
    titles = [re.search(r"^# (Lab \d: .*)$", text(name), re.MULTILINE) for name in NAMES]
    assert re.findall(r"^## (.*)$", text("answers"), re.MULTILINE) == [title[1] for title in titles if title]
    for part in text("answers").split("\n## ")[1:]:
        assert re.findall(r"^(\d)\. ", part, re.MULTILINE) == ["1", "2", "3"]


@pytest.mark.parametrize("page", sorted(LABS.glob("*.md")), ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)\s:#]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8")):
        file = page.parent / target
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}, anchor


def values(name: str, group: str, measure: str = "accuracy, %") -> np.ndarray:
    return np.array(FIGURES[name]["groups"][group][measure])


def rounded(figures: np.ndarray) -> tuple[int, int]:
    return round(figures.min()), round(figures.max())


def test_what_the_answers_say_of_sparsity_is_so() -> None:
    dense = values("sparsity", "0.0")
    half, most = dense - values("sparsity", "0.5"), dense - values("sparsity", "0.9")
    assert (round(half.mean(), 1), round(np.ptp(dense))) == (1.3, 11)
    assert half.max() < 3.0 < 4.0 < most.min()
    classifier = 3 * 128 * 62  # three products; the first layer has no dX
    others = 2 * 784 * 256 + 3 * 256 * 128
    expected = (others + classifier) / (0.05 * others + classifier)
    assert values("sparsity", "0.95", "dense / sparse multiply-adds") == pytest.approx(expected, abs=0.02)


def test_what_the_answers_say_of_dense_evaluation_is_so() -> None:
    gain = {
        group: values("dense-evaluation", group, "all weights, %") - values("dense-evaluation", group, "top weights, %")
        for group in FIGURES["dense-evaluation"]["groups"]
    }
    assert sorted(gain["full, 0.95"].round()) == pytest.approx([-27, -16, -9, -6, 2])
    assert abs(gain["full, 0.5"]).max() < 2.5
    assert max(abs(gain["topk-weights, 0.5"]).max(), abs(gain["topk-weights, 0.95"]).max()) < 0.6
    assert rounded(values("dense-evaluation", "full, 0.95", "all weights, %")) == (17, 35)
    assert rounded(values("dense-evaluation", "full, 0.95", "top weights, %")) == (28, 51)


def test_what_the_answers_say_of_mask_ratios_is_so() -> None:
    groups = ("full", *(f"topk-weights, r = {r}" for r in (0.5, 0.2, 0.1, 0.0)))
    rounds = [round(values("mask-ratio", group, "after 10 rounds, %").mean(), 1) for group in groups]
    budget = [round(values("mask-ratio", group, "at equal uplink, %").mean(), 1) for group in groups]
    sent = [round(values("mask-ratio", group, "MB up").mean(), 1) for group in groups]
    assert rounds == [38.1, 37.5, 36.7, 35.1, 24.1]
    assert budget == [9.6, 9.5, 11.7, 13.2, 24.1]
    assert sent == [38.7, 42.6, 20.2, 12.7, 5.2]


def test_what_the_answers_say_of_overlaps_is_so() -> None:
    initial = np.concatenate([values("overlap", uplink, "initial") for uplink in FIGURES["overlap"]["groups"]])
    previous = np.concatenate([values("overlap", uplink, "previous") for uplink in FIGURES["overlap"]["groups"]])
    assert (round(initial.mean(), 2), round(previous.mean(), 2)) == (0.91, 0.98)
    assert values("overlap", "topk-weights", "between clients").mean() == pytest.approx(0.998, abs=0.001)
    between = values("overlap", "topk-diff", "between clients")
    assert (round(between.min(), 2), round(between.max(), 2)) == (0.54, 0.69)


def test_what_the_answers_say_of_bytes_is_so() -> None:
    up = {group: values("bytes", group, "MB up").mean() for group in FIGURES["bytes"]["groups"]}
    dense, down = values("bytes", "0.0, csr", "dense MB up").mean(), values("bytes", "0.0, csr", "MB down").mean()
    assert round(dense / up["0.0, rice"], 1) == 10.9
    assert round((dense + down) / (up["0.0, rice"] + down), 1) == 1.8
    assert round((dense + down) / (2 * up["0.2, rice"]), 1) == 3.3
    for q, kept, group in ((0.05, 11_675, "0.0, rice"), (0.25, 58_368, "0.2, rice")):
        positions = up[group] * 1e6 / 16 - 4 * (8_382 + kept) - 90
        bound = (-q * np.log2(q) - (1 - q) * np.log2(1 - q)) / q
        assert bound < 8 * positions / kept < 1.02 * bound


def test_what_the_answers_say_of_alpha_is_so() -> None:
    mean = {alpha: values("alpha", alpha).mean().round(1) for alpha in ("0.1", "1.0", "1000.0")}
    balanced = {alpha: values("alpha", alpha, "balanced, %").mean().round(1) for alpha in mean}
    assert (mean, balanced) == (
        {"0.1": 26.6, "1.0": 34.7, "1000.0": 31.3},
        {"0.1": 20.9, "1.0": 29.2, "1000.0": 30.7},
    )
    falls = "largest fall in a round, points"
    assert values("alpha", "1000.0", falls).max() < 6.1 < 9.0 <= values("alpha", "0.1", falls).min()


def test_what_the_answers_say_of_initialisation_is_so() -> None:
    assert round(values("initialisation", "ink, he-normal").mean(), 1) == 38.1
    assert round(values("initialisation", "ink, he-uniform").mean(), 1) == 39.6
    assert round(values("initialisation", "ink, torch").mean(), 1) == 7.5
    assert max(values("initialisation", f"raw, {init}").max() for init in ("he-normal", "he-uniform", "torch")) < 19


def test_what_the_answers_say_of_five_seeds_is_so() -> None:
    lines = EXPECTED.differences(FIGURES["five-seeds"])[2:]
    assert lines == [
        ["0 to 4", "-1.37", "-2.89 to +0.62"],
        ["5 to 9", "-2.88", "-4.49 to -0.55"],
        ["0 to 9", "-2.13", "-3.42 to -0.81"],
    ]
    more, full = values("five-seeds", "topk-weights"), values("five-seeds", "full")
    assert [round(each, 1) for each in (more - full)[1:3]] == [-3.1, 1.1]
    assert np.count_nonzero(more > full) == 1
    assert [round(float((2 * (more - full)[:n].std(ddof=1)) ** 2)) for n in (5, 10)] == [10, 14]
    assert 4 * (more[:5].var(ddof=1) + full[:5].var(ddof=1)) > 800
