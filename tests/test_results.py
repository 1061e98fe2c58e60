"""The tables of the README and of the pages of results are those of the runs in docs/results."""

import csv
import importlib
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from minizerofl_cli.compare.statistics import Difference
from minizerofl_cli.runs.reading import RunFiles, find_runs

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
LISTS = sorted(file.stem for file in RESULTS.glob("*.toml") if file.with_suffix(".csv").exists())


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import docs/results/results.py, which finds the other scripts beside it."""
    monkeypatch.syspath_prepend(RESULTS)
    return importlib.import_module("results")


@pytest.fixture
def tables(results: ModuleType) -> ModuleType:
    """Import docs/results/tables.py."""
    return importlib.import_module("tables")


def test_the_tables_of_the_pages_are_those_of_the_runs(results: ModuleType, tables: ModuleType) -> None:
    for file in results.PAGES:
        page = file.read_text(encoding="utf-8")
        assert page.count("<!-- table ") >= 1
        assert tables.with_tables(page) == page, file


def test_no_weight_grows_in_sparsyfed(tables: ModuleType) -> None:
    found = tables.Results.read("support")
    curves = found.curves("sparsyfed", "grown")
    assert len(curves) == 5
    assert all(np.nanmax(grown) == 0 and np.isfinite(grown).sum() >= 28 for grown in curves.values())


@pytest.mark.parametrize("name", LISTS)
def test_a_file_holds_the_runs_of_its_list_and_no_others(name: str) -> None:
    listed = tomllib.loads((RESULTS / f"{name}.toml").read_text(encoding="utf-8"))
    with (RESULTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        found = {(row["experiment"], int(row["seed"])) for row in csv.DictReader(file)}
    wanted = {(each["name"], seed) for each in listed["experiment"] for seed in range(each["seeds"])}
    assert found <= wanted


@pytest.mark.long
def test_a_list_is_run_collected_and_tabulated(results: ModuleType, tables: ModuleType, tmp_path: Path) -> None:
    """The smallest experiments, on synthetic data: the table has what the runs say, and nothing is run twice."""
    base = "--source synthetic --clients 4 --clients-per-round 2 --rounds 2 --eval-every 1 --masks-every 1 --model mlp"
    listed = {"base": base, "baseline": "b", "targets": [0, 100], "budgets": [0.0001, 100], "clients_per_round": 2}
    listed["experiment"] = [
        {"name": "a", "title": "A", "options": "--mask-ratio 0.2 --eval-dense", "seeds": 2},
        {"name": "b", "title": "B", "options": "--uplink full", "seeds": 1},
    ]
    listed["pair"] = [{"title": "P", "dense": "b", "sparse": "a"}]
    for _ in range(2):
        results.run(listed, tmp_path / "runs", "")
    results.collect(listed, tmp_path / "runs", tmp_path / "small.csv")
    with (tmp_path / "small.csv").open(encoding="utf-8", newline="") as file:
        found = tables.Results(listed, list(csv.DictReader(file)))
    assert len(next(tables.methods(found))) == 9
    results.seconds.measure(listed, tmp_path / "small-seconds.csv", rounds=1)
    found = replace(found, seconds=results.seconds.read(tmp_path / "small-seconds.csv"))
    for each in listed["experiment"]:
        for seed in range(each["seeds"]):
            (run,) = find_runs(tmp_path / "runs" / each["name"] / f"seed{seed}")
            history = RunFiles.read(run).history
            assert found.last(each["name"], "test_accuracy")[seed] == pytest.approx(
                history.numbers("test_accuracy")[-1], abs=1e-5
            )
            assert found.last(each["name"], "cum_uplink_bytes")[seed] == history.numbers("cum_uplink_bytes")[-1]
    rows = {name: list(table(found)) for name, table in tables.TABLES.items() if name != "statements"}
    assert [row[0] for row in rows["accuracies"]] == ["", "A", "B"]
    assert [row[0] for row in rows["evaluations"]] == ["", "A"]
    assert rows["costs"][1][:2] == ["P", "1"]
    assert [row[3:5] for row in rows["budgets"]] == [["at 0.0001 GB", "at 100 GB"], ["", ""], ["", ""]]
    assert float(rows["budgets"][2][1]) == pytest.approx(found.last("b", "cum_uplink_bytes")[0] / 4e6, abs=0.01)
    assert [row[3] for row in rows["methods"]][2] == ""  # the baseline differs from nothing
    macs = found.last("a", "cum_macs")[0] / found.last("a", "cum_dense_macs")[0]
    assert float(rows["methods"][1][5]) == pytest.approx(100 * macs, abs=0.06)
    assert [row[6] for row in rows["methods"]] == ["s a round", *(f"{found.seconds[name][0]:.2f}" for name in "ab")]
    assert all(row[1] != "not reached" and row[4] == "not reached" for row in rows["targets"][1:])
    assert all(len(row) == len(rows[name][0]) for name in rows for row in rows[name])
    complete = (tmp_path / "small.csv").read_bytes()
    shutil.rmtree(tmp_path / "runs" / "a" / "seed0")
    results.collect(listed, tmp_path / "runs", tmp_path / "small.csv")
    assert (tmp_path / "small.csv").read_bytes() == complete  # what was published of a run outlives its folder


def test_an_accuracy_at_a_budget_lies_between_those_of_two_evaluations(tables: ModuleType) -> None:
    cells = {"experiment": "a", "seed": "0", "cum_uplink_bytes": "1e9", "cum_downlink_bytes": "1e9"}
    rows = [
        {**cells, "round": "1", "test_accuracy": "0.5"},
        {**cells, "round": "2", "test_accuracy": "0.7", "cum_uplink_bytes": "3e9"},
    ]
    found = tables.Results({}, rows)
    assert [*tables.at_budget(found, "a", 2e9), *tables.at_budget(found, "a", 3e9)] == pytest.approx([50, 60])
    assert np.isnan([*tables.at_budget(found, "a", 1e9), *tables.at_budget(found, "a", 5e9)]).all()


def test_what_sparsity_costs_is_compared_between_pairs(tables: ModuleType) -> None:
    names = {"one": ("0.8", "0.7"), "many": ("0.6", "0.3")}
    pairs = [{"title": name, "dense": f"{name}-dense", "sparse": f"{name}-sparse"} for name in names]
    rows = [
        {"experiment": f"{name}-{way}", "seed": seed, "test_accuracy": value}
        for name, values in names.items()
        for way, value in zip(("dense", "sparse"), values, strict=True)
        for seed in "012"
    ]
    claim = {"says": "", "measure": "cost", "cost_of": "many", "against": "one", "claim": "at least", "points": 1}
    found = tables.Results({"pair": pairs, "statement": [claim]}, rows)
    assert list(tables.costs(found))[2] == ["many", "3", "60.0 ± 0.0", "30.0 ± 0.0", "+30.0 [+30.0, +30.0]"]
    assert list(tables.statements(found))[1] == ["", "cost: +20.0 [+20.0, +20.0]", "holds"]


@pytest.mark.parametrize(
    ("claim", "points", "low", "high", "wanted"),
    [
        ("at least", -1, -0.5, 2, "holds"),
        ("at least", 1, -2, 0.5, "fails"),
        ("at least", 1, 0.5, 2, "unresolved"),
        ("at most", -1, -5, -1.5, "holds"),
        ("at most", -1, -0.5, 1, "fails"),
        ("at most", -1, -3, 0, "unresolved"),
        ("within", 1, -0.9, 0.9, "holds"),
        ("within", 1, 1.1, 3, "fails"),
        ("within", 1, -3, -1.1, "fails"),
        ("within", 1, 0.5, 3, "unresolved"),
    ],
)
def test_claims(tables: ModuleType, claim: str, points: float, low: float, high: float, wanted: str) -> None:
    assert tables.judged(Difference(5, (low + high) / 2, (low, high)), claim, points) == wanted
    assert tables.judged(Difference(1, low, None), claim, points) == "unresolved"
