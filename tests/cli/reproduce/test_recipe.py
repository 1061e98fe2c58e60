"""The recipes in the package: options that `minizerofl train` knows, and the paper's figures."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import ConfigError
from minizerofl.fl.measures.sizes import PAPER_SIZES
from minizerofl_cli.commands.train import train
from minizerofl_cli.reproduce.experiment import Reproduction
from minizerofl_cli.reproduce.recipe import MEASURES, NAMES, find_recipe, scaled


@pytest.mark.parametrize("name", NAMES)
def test_every_run_of_a_recipe_can_be_planned(name: str, tmp_path) -> None:
    recipe = find_recipe(name)
    assert recipe.measure in MEASURES
    assert len(recipe.cells) == len(recipe.rows) * len(recipe.columns)
    work = Reproduction(recipe, 2, 1.0, tmp_path, train, {})
    plans = [run.plan for runs in work.runs.values() for run in runs]
    assert len({run.name for runs in work.runs.values() for run in runs}) == 2 * len(recipe.cells)
    assert all(plan.recipe == "paper" for plan in plans)
    assert {plan.settings.seed for plan in plans} == {0, 1}


def test_the_federated_runs_are_the_papers() -> None:
    work = Reproduction(find_recipe("table1"), 1, 1.0, Path("runs"), train, {})

    for (row, _), (run,) in work.runs.items():
        s, options = run.plan.settings, run.plan.options
        if row.startswith("cifar10"):
            assert (s.rounds, s.clients_per_round, s.lr_start, s.lr_end) == (700, 10, 0.1, 0.01)
            assert (options["num_clients"], options["alpha"]) == (100, 1000.0 if row.endswith("alpha1000") else 1.0)
        assert s.sparsity == float(row.split("-")[1])


def test_topk_weights_with_r_two_tenths_beats_full_in_every_non_iid_row_of_the_paper() -> None:
    figures = {(cell.row, cell.column): float(cell.paper) for cell in find_recipe("table1").cells}
    rows = [row for row in find_recipe("table1").rows if not row.endswith("alpha1000")]
    gains = [figures[row, "topk-weights r=.2"] - figures[row, "full"] for row in rows]
    assert len(gains) == 5
    assert min(gains) == pytest.approx(0.42)
    assert max(gains) == pytest.approx(2.09)
    assert PAPER_SIZES["resnet18"][0.95, 0.2] == 23.0


def test_rows_and_columns_are_chosen_by_name() -> None:
    recipe = find_recipe("table1").only(["femnist-0.95"], ["full", "topk-diff r=0"])
    assert [cell.paper for cell in recipe.cells] == ["83.34", "77.02"]
    with pytest.raises(ConfigError, match=r"--row 'cifar' does not exist in table1.*it has cifar10-0.90"):
        find_recipe("table1").only(["cifar"], [])
    with pytest.raises(ConfigError, match=r"--column 'ful' does not exist in table2; did you mean 'full'"):
        find_recipe("table2").only([], ["ful"])


@given(st.integers(1, 2000), st.floats(1e-4, 1))
def test_a_scaled_run_has_fewer_rounds_and_is_evaluated(rounds: int, factor: float) -> None:
    options = scaled({}, rounds, factor)
    if factor == 1:
        assert not options
    else:
        assert 1 <= options["rounds"] <= rounds
        assert options["schedule_rounds"] == options["rounds"]
        assert 1 <= options["eval_every"] <= 10
