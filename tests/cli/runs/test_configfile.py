"""Options from a file: defaults < file < flags; unknown keys get the nearest name; --dry-run shows what would be."""

import json
import tomllib

import pytest


def _resolved(result) -> dict:
    assert result.exit_code == 0, result.output
    text = result.output[result.output.index("[run]") : result.output.index("Estimated costs")]
    return tomllib.loads(text)


def test_defaults_then_file_then_flags(invoke, tmp_path):
    file = tmp_path / "my.toml"
    file.write_text(
        'source = "synthetic"\nclients = 4\nrecipe = "paper"\n[settings]\nclients-per-round = 2\nrounds = 7\n'
        "sparsity = 0.9\neval_dense = true\n[run]\nworkers = 1\n"
    )
    config = _resolved(invoke("train", "--config", file, "--rounds", 3, "--dry-run"))
    settings = config["settings"]
    assert (settings["rounds"], settings["clients_per_round"], settings["sparsity"]) == (3, 2, 0.9)
    assert settings["eval_dense"] is True
    assert (settings["lr_start"], config["run"]["workers"], config["run"]["recipe"]) == (0.004, 1, "paper")


def test_a_dry_run_tells_the_costs_and_leaves_nothing(invoke, small, tmp_path):
    result = invoke("train", *small, "--dry-run", "--runs-dir", tmp_path / "runs")
    costs = result.output[result.output.index("Estimated costs") :].splitlines()[1:]
    assert [line.split()[0] for line in costs] == ["uplink", "downlink", "training", "time"]
    assert "in 4 messages of 0.25 MB" in costs[0]
    assert not (tmp_path / "runs").exists()


def test_the_config_of_a_run_makes_the_same_run(finished_run, invoke):
    config = finished_run.path / "config.toml"
    again = _resolved(invoke("train", "--config", config, "--dry-run"))
    before = tomllib.loads(config.read_text())
    before["run"]["checkpoint_every"] = again["run"]["checkpoint_every"]
    assert again == before
    assert json.loads((finished_run.path / "summary.json").read_text())["status"] == "finished"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("lr_strat = 0.1", "lr_strat is unknown; did you mean 'lr_start'?"),
        ("[settings]\nround = 3", "settings.round is unknown; did you mean 'rounds'?"),
        ("[data]\nwobble = 3", "data.wobble is unknown"),
        ("rounds = 3\n[settings]\nrounds = 4", "settings.rounds is given twice"),
        ("rounds = [3, 4]", "lists are for minizerofl sweep"),
        ("rounds = 'many'", "'many' is not a valid integer"),
        ("rounds = 1.5", "'1.5' is not a valid integer"),
        ("sparsity = 1.5", "--sparsity 1.5: expected"),
        ("uplink = 'topk'", "'topk' is unknown"),
        ("rounds = ", "Invalid value"),
        ("model = 'resnet'", "'resnet' is unknown; did you mean 'resnet18'?"),
        ("sparsity = 0.9\n[model]\nsparsity = 0.8", "model.sparsity is 0.8, but sparsity asks for 0.9"),
        ("[model]\nsparsity = 0.8\n[settings]\nsparsity = 0.9", "model.sparsity is 0.8, but sparsity asks for 0.9"),
        (None, "No such file"),
    ],
)
def test_what_cannot_be_used(content, expected, invoke, tmp_path):
    file = tmp_path / "my.toml"
    if content is not None:
        file.write_text(content)
    result = invoke("train", "--config", file, "--source", "synthetic", "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 1
    assert expected in result.output
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("num_classes = 62", "num_classes = 61"), "model.num_classes of the config file is 61, but the run has 62"),
        (("num_classes", "num_clases"), "model.num_clases of the config file is unknown; did you mean 'num_classes'?"),
        (("\nseed = 3\nnum", "\nseed = 4\nnum"), "model.seed is 4, but --init-seed asks for 3"),
    ],
)
def test_what_a_file_says_of_the_model_is_true_or_refused(change, expected, finished_run, invoke, tmp_path):
    config = (finished_run.path / "config.toml").read_text()
    assert config.count(change[0]) == 1
    (tmp_path / "my.toml").write_text(config.replace(*change))
    result = invoke("train", "--config", tmp_path / "my.toml", "--runs-dir", tmp_path / "runs")
    assert result.exit_code == 2
    assert expected in result.output.splitlines()[-1]
    assert not (tmp_path / "runs").exists()


def test_the_model_table_is_obeyed_and_flags_override_it(invoke, small, tmp_path):
    (tmp_path / "my.toml").write_text('[model]\nname = "femnist_cnn"\nsparsity = 0.8\nseed = 7\nnum_classes = 62\n')
    for flags, sparsity in ([], 0.8), (["--sparsity", 0.5], 0.5):
        config = _resolved(invoke("train", *small, "--config", tmp_path / "my.toml", *flags, "--dry-run"))
        assert config["settings"]["sparsity"] == config["model"]["sparsity"] == sparsity
        assert (config["settings"]["seed"], config["settings"]["init_seed"]) == (3, 7)
