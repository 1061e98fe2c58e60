"""What there is: the list, and the description of one set."""

import re

import numpy as np
import pytest

from minizerofl_cli.data.counts import count_classes
from minizerofl_datasets import load


def test_the_list_on_a_machine_with_nothing(invoke):
    text = invoke("data", "list").output
    for name in ("cifar10", "speech_commands", "femnist"):
        assert re.search(rf"^{name} +not here +minizerofl data fetch {name}$", text, re.M)
    assert text.count("SYNTHETIC") == 1
    assert max(map(len, text.splitlines())) <= 80


def test_the_list_says_what_is_in_a_folder(invoke, tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name in ("data_batch_3", "test_batch"):
        (folder / f"{name}.bin").write_bytes(bytes(1_500_000))
    text = invoke("data", "list", "--data-dir", tmp_path).output
    assert re.search(rf"^cifar10 +binary files +3 MB  {re.escape(str(folder))}$", text, re.M)
    assert text.count("not here") == 2
    (folder / "test_batch.bin").unlink()
    assert "  incomplete  " in invoke("data", "list", "--data-dir", tmp_path).output


@pytest.mark.realdata
def test_the_real_folder(invoke, real_data):
    text = invoke("data", "list", "--data-dir", real_data).output
    assert "not here" not in text
    assert "v0.01 folder" in text


def test_info_counts_classes(invoke):
    lines = invoke("data", "info", "cifar10", "--source", "synthetic", "--num-clients", 200, "--clients", 3).output
    first, *lines = lines.splitlines()
    assert first.startswith("cifar10: SYNTHETIC data")
    table = {line.split()[0]: [int(each.replace(",", "")) for each in line.split()[1:]] for line in lines[-12:-1]}
    data = load("cifar10", "synthetic", num_clients=200, clients=3)
    y = np.concatenate([part(client)[1] for client in data.clients for part in (data.train, data.validation)])
    for label, name in enumerate(data.class_names):
        assert table[name] == [(y == label).sum(), (data.test()[1] == label).sum()]
    assert table["all"] == [300, sum(map(data.num_test, data.clients))]


def test_sets_that_come_divided_are_counted_by_reading():
    data = load("femnist", "synthetic", clients=4, holdout_writers=1)
    counts = count_classes(data, "train")
    assert counts.shape == (3, 62)
    sizes = [data.num_train(client) + len(data.validation(client)[1]) for client in data.clients]
    assert counts.sum(axis=1).tolist() == sizes
    assert count_classes(data, "test").tolist() == [np.bincount(data.test()[1], minlength=62).tolist()]


def test_words_are_separated_by_commas(invoke):
    text = invoke("data", "info", "speech_commands", "--words", "bed, cat", "--source", "synthetic").output
    assert re.search(r"^bed +[\d,]+ +[\d,]+\ncat +[\d,]+ +[\d,]+\nall ", text, re.M)


def test_info_on_synthetic_data_that_was_not_asked_for_says_how_to_get_real_data(invoke):
    lines = invoke("data", "info", "cifar10", "--num-clients", 4).output.splitlines()
    assert "SYNTHETIC" in lines[0]
    assert "minizerofl data fetch cifar10" in lines[1]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("femnist", "300 clients, 62 classes"),
        ("cifar10", "horse "),
        ("speech_commands", "partition: dirichlet (alpha 1.0, prior classes), 100 clients"),
    ],
)
def test_info_on_real_data(name, expected, invoke, real_data):
    words = ("--words", "bed,cat,happy") if name == "speech_commands" else ()
    result = invoke("data", "info", name, "--data-dir", real_data, *words)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{name}: real data")
    assert expected in result.output
    assert "cite: " in result.output
