"""`minizerofl sizes`: the paper's figures, and messages that are as small as the codecs promise."""

import csv
import io
import re

import pytest
from click.testing import CliRunner

from minizerofl.choices import PAPER_MODELS
from minizerofl.fl import load_model
from minizerofl.fl.measures.sizes import PAPER_SIZES
from minizerofl_cli.main import cli


@pytest.fixture(scope="module")
def resnet() -> list[str]:
    result = CliRunner().invoke(cli, ["sizes", "--model", "resnet18"], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output.splitlines()


def column(lines: list[str], name: str) -> list[float]:
    place = lines[1].split()[2:].index(name)
    return [float(re.findall(r"([\d.]+) \(", line)[place]) for line in lines[2:9]]


def test_the_accounting_gives_all_of_the_papers_figures(resnet: list[str]) -> None:
    paper = [43.7, 10.1, 18.7, 27.3, 5.9, 14.4, 23.0]
    assert column(resnet, "paper") == column(resnet, "accounting") == paper
    assert resnet[-1] == "The accounting gives all of the paper's figures."


def test_encoded_sizes_are_those_of_the_formulas(resnet: list[str]) -> None:
    # 4-byte values and H(q)/q bits for a position, against 8 bytes for each; dense tensors take 4 bytes, not 8.
    assert column(resnet, "dense") == [43.7] * 7
    assert column(resnet, "csr") == [43.7, 9.4, 18.0, 26.5, 5.1, 13.7, 22.2]
    assert column(resnet, "rice") == column(resnet, "auto") == [43.7, 5.7, 10.3, 14.8, 3.3, 8.0, 12.6]


def test_the_papers_femnist_sizes_fit_no_model_of_this_size() -> None:
    lines = CliRunner().invoke(cli, ["sizes", "--model", "femnist_cnn"], catch_exceptions=False).output.splitlines()
    assert [line.split()[:2] for line in lines[2:6]] == [
        ["dense", "23.0"],
        ["0.95", "0.0"],
        ["0.95", "0.1"],
        ["0.95", "0.2"],
    ]
    assert "do not fit" in lines[-2]


def test_every_model_of_the_paper_has_its_figures() -> None:
    assert set(PAPER_MODELS) == set(PAPER_SIZES)


def test_only_the_papers_models_have_sizes_in_the_paper(invoke):
    result = invoke("sizes", "--model", "mlp")
    assert result.exit_code == 2
    assert "'mlp' is unknown. Known: femnist_cnn, resnet18. See" in result.output


def test_the_table_fits_80_columns_and_the_csv_is_whole(tmp_path) -> None:
    options = ["sizes", "--model", "femnist_cnn", "--csv", str(tmp_path / "sizes.csv")]
    lines = CliRunner().invoke(cli, options, catch_exceptions=False).output.splitlines()
    assert max(map(len, lines)) <= 80
    assert "Not shown: dense, auto (a wider screen, or --csv FILE)." in lines
    rows = list(csv.DictReader(io.StringIO((tmp_path / "sizes.csv").read_text())))
    assert len(rows) == len(PAPER_SIZES["femnist_cnn"])
    assert {int(row["dense_bytes"]) for row in rows} == {int(rows[0]["dense_bytes"])}
    assert int(rows[1]["rice_bytes"]) == int(rows[1]["auto_bytes"]) < int(rows[1]["csr_bytes"])


def test_both_ways_shows_every_coding_of_every_row_of_the_paper(invoke, tmp_path) -> None:
    result = invoke("sizes", "--both-ways", "--model", "femnist_cnn", "--csv", tmp_path / "ladder.csv")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 80
    rows = list(csv.DictReader(io.StringIO((tmp_path / "ladder.csv").read_text())))
    assert len(rows) == 7 * len(PAPER_SIZES["femnist_cnn"])
    first = next(line for line in lines if line.startswith("lossless"))
    assert first.split()[-4:] == ["25.80", "2.00", "4.78", "7.48"]
    for row in rows:
        up, down = int(row["up_bytes"]), int(row["down_bytes"])
        assert up == pytest.approx(int(row["computed_up_bytes"]), rel=0.02, abs=1000)
        assert down == pytest.approx(int(row["computed_down_bytes"]), rel=0.02, abs=1000)
    whole = [int(row["up_bytes"]) + int(row["down_bytes"]) for row in rows]
    assert [line.split()[-4:] for line in lines if line.startswith("EDEN, 1")][2][-1] == f"{whole[0] / whole[-1]:.2f}x"


def test_both_ways_of_a_run_encodes_its_own_model(invoke, finished_run, tmp_path) -> None:
    result = invoke("sizes", "--both-ways", "--weights", finished_run.path, "--csv", tmp_path / "ladder.csv")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines()[1:])) <= 80
    assert "topk-weights, sp 0.95, r 0.2" in result.output.splitlines()[0]
    rows = {row["coding"]: row for row in csv.DictReader(io.StringIO((tmp_path / "ladder.csv").read_text()))}
    with (finished_run.path / "clients.csv").open() as file:
        sent = max(int(row["uplink_bytes"]) for row in csv.DictReader(file))
    assert int(rows["CSR up, dense down"]["up_bytes"]) <= sent  # a client may send weights that others did not
    state = load_model(finished_run.path / "model.h5").state
    assert int(rows["CSR up, dense down"]["down_bytes"]) == 20 + sum(12 + 4 * value.size for value in state.values())
    assert int(rows["lossless"]["down_bytes"]) < 0.6 * int(rows["CSR up, dense down"]["down_bytes"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--weights", "RUN"), "--weights is for --both-ways"),
        (("--both-ways", "--weights", "RUN", "--model", "resnet18"), "leave out --model"),
        (("--both-ways", "--values", "int8"), "--both-ways shows every --values"),
        (("--both-ways", "--weights", "nowhere"), "the run directory nowhere does not exist"),
        (("--values", "int3"), "'int3' is unknown; did you mean 'int8'?"),
    ],
)
def test_what_does_not_go_together_is_said(arguments, message, invoke, finished_run) -> None:
    result = invoke("sizes", *(finished_run.path if each == "RUN" else each for each in arguments))
    assert result.exit_code == 2
    assert message in result.output


def test_blocks_and_known_masks_cost_fewer_index_bytes(tmp_path) -> None:
    """A block of 8 has one index for 8 values, and a mask that follows from the seed has none."""
    sizes, table = {}, tmp_path / "sizes.csv"
    for rule in ("top-k", "block-8", "uniform"):
        arguments = ["sizes", "--model", "femnist_cnn", "--selection", rule, "--csv", str(table)]
        result = CliRunner().invoke(cli, arguments, env={"COLUMNS": "200"}, catch_exceptions=False)
        assert result.exit_code == 0
        sizes[rule] = [int(row["csr_bytes"]) for row in csv.DictReader(io.StringIO(table.read_text()))][1]
    values = sizes["uniform"]
    assert sizes["top-k"] - values > 7 * (sizes["block-8"] - values) > 0
    assert "of uniform" in result.output.splitlines()[0]
    assert result.output.splitlines()[-1] == "The paper's figures are those of top-k."


def test_both_ways_shows_no_other_rule() -> None:
    result = CliRunner().invoke(cli, ["sizes", "--both-ways", "--selection", "block-8"])
    assert result.exit_code == 2
    assert "leave out --selection" in result.output
