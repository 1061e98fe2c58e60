"""`minizerofl bench --federation`: its tables, its files, its refusals."""

import json

import pytest

SMALL = ["--federation", "--rounds", 2, "--clients", 3, "--clients-per-round", 2, "--model", "mlp"]


@pytest.fixture(scope="module")
def trained(invoke, tmp_path_factory):
    """The output, the JSON and the picture of a run of the command."""
    folder = tmp_path_factory.mktemp("federation")
    options = ["--lr", "0.9=0.1", "--search-lr", "0.05,0.1", "--to-accuracy", 1, "--to-accuracy", 99.5, "--workers", 1]
    files = ["--json", folder / "new" / "race.json", "--plot", folder / "race.png"]
    result = invoke("bench", *SMALL, *options, *files)
    assert result.exit_code == 0, result.output
    return result.output, json.loads((folder / "new" / "race.json").read_text()), folder / "race.png"


def test_the_tables_say_what_it_took(trained) -> None:
    lines = trained[0].splitlines()
    assert "SYNTHETIC" in lines[0]
    assert lines[1] == "mlp, 2 rounds, in each 2 of 3 clients, 1 at once; local epochs 1, batch 10"
    assert sum(line.startswith("  round ") for line in lines) == 2
    reached = lines.index(next(line for line in lines if line.startswith("to 99.5 %")))
    assert all(line.split()[-2:] == ["not", "reached"] for line in lines[reached + 1 : reached + 4])
    assert max(map(len, lines[lines.index("") :])) <= 100


def test_the_json_has_every_round(trained) -> None:
    _, written, image = trained
    dense, *sparse = written["contestants"]
    assert [each["name"] for each in written["contestants"]] == ["dense", "sparse 0.95", "sparse 0.9"]
    assert [each["lr_start"] for each in dense["searched"]] == [0.05, 0.1]
    assert sparse[1]["searched"] == []
    assert sparse[1]["settings"]["lr_start"] == 0.1
    assert sparse[1]["settings"]["lr_end"] == pytest.approx(0.02)
    for each in written["contestants"]:
        assert [record["round"] for record in each["rounds"]] == [1, 2]
        assert each["rounds"][0]["clients"] == dense["rounds"][0]["clients"]
        assert each["whole"]["seconds"] == pytest.approx(sum(record["seconds"] for record in each["rounds"]))
        reached, not_reached = each["to_accuracy"]
        assert reached["target"] == 1
        assert not_reached == {"target": 99.5, "spent": None}
    assert sparse[0]["whole"]["uplink_bytes"] < dense["whole"]["uplink_bytes"]
    assert written["environment"]["processor"]
    assert image.read_bytes().startswith(b"\x89PNG")


def test_the_speed_test_of_blazefl_scaled(invoke, tmp_path) -> None:
    file = tmp_path / "speed.json"
    options = ["--preset", "blazefl", "--rounds", 1, "--clients", 2, "--workers", 1, "--json", file]
    result = invoke("bench", "--federation", *options)
    assert result.exit_code == 0, result.output
    assert "SCALED: 0.16 % of the test's 1,250,000 sample passes" in result.output
    assert "about 168  theirs" in result.output
    (dense,) = json.loads(file.read_text())["contestants"]
    settings = dense["settings"]
    assert (settings["local_epochs"], settings["batch_size"], settings["lr_start"]) == (5, 50, 0.1)
    assert dense["whole"]["uplink_bytes"] == pytest.approx(2 * 4 * 62006, rel=0.01)


def test_against_torch(invoke, tmp_path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed; it is compared with where it is")
    file = tmp_path / "race.json"
    options = ["--federation", "--against", "torch", "--rounds", 1, "--clients", 2, "--clients-per-round", 2]
    result = invoke("bench", *options, "--workers", 2, "--sparsity", 0.9, "--json", file)
    assert result.exit_code == 0, result.output
    torch, dense, _ = json.loads(file.read_text())["contestants"]
    assert (torch["name"], dense["name"]) == ("torch", "dense")
    assert torch["rounds"][0]["train_loss"] == pytest.approx(dense["rounds"][0]["train_loss"], abs=1e-3)
    assert "the faster layout here" in result.output


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (["--rounds", "3"], 2, "--rounds is for whole training; add --federation"),
        (["--seed", "1"], 2, "--seed is for whole training"),
        (["--federation", "--only", "steps"], 2, "--only measures steps"),
        (["--federation", "--batch-size", "2", "--batch-size", "4"], 2, "single --batch-size"),
        (["--federation", "--lr", "dense"], 2, "'dense' is not NAME=RATE"),
        (["--federation", "--lr", "dense=0"], 2, "is not NAME=RATE"),
        (
            ["--federation", "--lr", "0.80=0.1"],
            2,
            "--lr 0.8=0.1: 0.8 does not take part; dense, 0.95",
        ),
        (["--federation", "--search-lr", "0.1,"], 2, "is not a list of learning rates"),
        (["--federation", "--against", "torch", "--model", "mlp"], 2, "torch"),
        (["--federation", "--data-dir", "nowhere"], 3, "nowhere"),
        (["--federation", "--preset", "blaze"], 2, "did you mean 'blazefl'"),
        (["--federation", "--preset", "blazefl", "--model", "mlp"], 2, "--preset blazefl fixes"),
        (["--federation", "--preset", "blazefl", "--clients", "101"], 2, "clients"),
    ],
)
def test_refusals_are_one_line(invoke, options: list, code: int, word: str) -> None:
    result = invoke("bench", *options)
    assert result.exit_code == code
    assert len(result.output.splitlines()) == 1
    assert word in result.output


def test_too_few_clients_for_a_round(invoke) -> None:
    result = invoke("bench", *SMALL[:-3], 4, "--model", "mlp")
    assert result.exit_code == 4
    assert "a round needs 4 clients" in result.output.splitlines()[-1]
