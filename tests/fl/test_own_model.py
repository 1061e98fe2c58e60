"""A model of the user's own in a simulation: what its builder gets, where it trains, what a model file says of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minizerofl_datasets
from minizerofl import nn
from minizerofl.fl import ModelFileError, SavedModel, Settings, Simulation, load_model, save_model
from minizerofl.fl.engines import ENGINES
from minizerofl.models import MODELS, mlp
from minizerofl.registry import ChoiceError

SETTINGS = Settings(rounds=2, clients_per_round=2, sparsity=0.8, eval_samples=20, eval_dense=True, masks_every=1)


@pytest.fixture(scope="module")
def data() -> minizerofl_datasets.FederatedDataset:
    return minizerofl_datasets.load("femnist", source="synthetic", clients=3)


def own(num_classes: int, input_shape: tuple[int, ...], sparsity: float, seed: int) -> nn.Module:
    return mlp(num_classes, input_shape, sparsity, seed)


class Plain:
    """Data with the seven members of the protocol and nothing else; its first client has no samples."""

    clients = test_clients = ("nobody", "somebody")

    def num_train(self, client):
        return 0 if client == "nobody" else 6

    def num_test(self, client):
        return 4

    def train(self, client):
        n = self.num_train(client)
        return np.ones((n, 2, 5, 3), np.float32), np.zeros(n, np.int64)

    def validation(self, client):
        return np.ones((0, 2, 5, 3), np.float32), np.zeros(0, np.int64)

    def test(self, client=None):
        n = 8 if client is None else 4
        return np.ones((n, 2, 5, 3), np.float32), np.zeros(n, np.int64)


def test_a_builder_gets_what_it_names(data) -> None:
    always = {"sparsity": 0.8, "seed": 0}
    assert Simulation(data, own, SETTINGS).model_arguments == {**always, "num_classes": 62, "input_shape": (1, 28, 28)}
    run = Simulation(data, "resnet18", SETTINGS, num_classes=3)
    assert run.model_arguments == {**always, "in_channels": 1, "num_classes": 3}


def test_the_shape_is_that_of_a_sample_where_the_data_do_not_tell_it() -> None:
    settings = Settings(rounds=1, clients_per_round=1, sparsity=0.5)
    with pytest.raises(ChoiceError, match=r"needs a value for 'num_classes'.* call Simulation\(..., num_classes=...\)"):
        Simulation(Plain(), own, settings)
    run = Simulation(Plain(), own, settings, num_classes=4)
    assert run.model_arguments["input_shape"] == (2, 5, 3)
    (round,) = run.run()
    assert [outcome.status for outcome in round.outcomes] == ["accepted"]


@pytest.mark.parametrize("engine", ENGINES)
def test_any_function_trains_and_gives_what_its_name_gives(data, engine: str) -> None:
    expected = Simulation(data, "mlp", SETTINGS)
    losses = [(round.score.loss, round.dense_score.loss) for round in expected.run()]
    for builder in (own, lambda sparsity, seed: mlp(62, (1, 28, 28), sparsity, seed)):
        run = Simulation(data, builder, SETTINGS, workers=2, engine=engine)
        assert [(round.score.loss, round.dense_score.loss) for round in run.run()] == losses
        for name, value in expected.state.items():
            np.testing.assert_array_equal(run.state[name], value)


def test_a_module_is_refused_before_anything_is_done(data) -> None:
    with pytest.raises(TypeError, match=r"model is a MLP that is already built.* a function that builds the model"):
        Simulation(data, mlp(), SETTINGS)


def test_a_function_of_a_module_is_saved_by_its_name(data, tmp_path: Path) -> None:
    run = Simulation(data, own, SETTINGS)
    save_model(tmp_path / "model.h5", SavedModel(run.model_name, run.model_arguments, run.state, {}, run.setup))
    saved = load_model(tmp_path / "model.h5")
    assert (saved.name, saved.arguments) == (f"{__name__}:own", run.model_arguments)
    assert list(saved.build().state_dict()) == list(run.state)


def test_a_model_file_says_whose_builder_cannot_be_found(data, tmp_path: Path) -> None:
    builder = lambda sparsity, seed: mlp(62, (1, 28, 28), sparsity, seed)  # noqa: E731
    run = Simulation(data, builder, SETTINGS)
    save_model(tmp_path / "model.h5", SavedModel(run.model_name, run.model_arguments, run.state))
    saved = load_model(tmp_path / "model.h5")
    with pytest.raises(ModelFileError, match=r"built by .*<lambda> of .*test_own_model, which cannot be"):
        saved.build()
    MODELS[saved.name] = builder  # as the message says
    try:
        np.testing.assert_array_equal(saved.build().state_dict()["linear1.weight"], run.state["linear1.weight"])
    finally:
        del MODELS[saved.name]


SCRIPT = """
from pathlib import Path

import minizerofl_datasets
from minizerofl.fl import SavedModel, Settings, Simulation, load_model, save_model
from minizerofl.models import mlp

def own(num_classes, sparsity, seed):
    return mlp(num_classes, (1, 28, 28), sparsity, seed)

if __name__ == "__main__":
    data = minizerofl_datasets.load("femnist", source="synthetic", clients=2)
    run = Simulation(data, own, Settings(rounds=1, clients_per_round=2, eval_samples=5), workers=2, engine="processes")
    print([len(round.clients) for round in run.run()])
    about = {"dataset": "femnist", "source": "synthetic", "transform": data.transform, "rounds": 1, "clients": 2}
    about |= {"partition_seed": 0, "class_names": list(data.class_names), "options": {}}
    file = Path("model.h5")
    save_model(file, SavedModel(run.model_name, run.model_arguments, run.state, about))
    print(type(load_model(file).build()).__name__)
"""


def test_a_function_of_a_script(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["[2]", "MLP"], done.stderr  # the script itself finds its function
    with pytest.raises(ModelFileError, match="built by own of a script, which cannot be imported"):
        load_model(tmp_path / "model.h5").build()
    command = [sys.executable, "-m", "minizerofl_cli", "eval", "model.h5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("minizerofl: the saved model was built by own of a script, which cannot be imported.")


@pytest.mark.parametrize("arguments", [{"input_shape": (1, 10**5, 10**5)}, {"input_shape": (1, -(10**5), 10**5)}])
def test_a_file_cannot_ask_for_a_giant(arguments: dict) -> None:
    state = mlp().state_dict()
    with pytest.raises(ModelFileError, match="not its model file"):
        SavedModel("mlp", arguments, state).build()
