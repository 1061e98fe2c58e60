"""`minizerofl sizes`: the paper's figures, and messages that are as small as the codecs promise."""

import csv
import io
import re

import pytest
from click.testing import CliRunner

from minizerofl.choices import PAPER_MODELS
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
