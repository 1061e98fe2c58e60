"""The pages about ZeroFL: their examples run as they are shown, their links and their numbers hold."""

import importlib
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

import click.testing
import numpy as np
import pytest
from matplotlib.image import imread

from minizerofl import nn
from minizerofl.fl import SERVERS, UPLINKS, Context, Settings, Simulation
from minizerofl.models import MODELS
from minizerofl.nn.rule import set_selection
from minizerofl.sparse import count_kept
from minizerofl_cli.main import cli
from minizerofl_datasets import import_arrays, load

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
EXAMPLES = sorted(path.stem for path in (DOCS / "extend").glob("*.py"))


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """Import a file of docs/extend."""
    monkeypatch.syspath_prepend(DOCS / "extend")
    return importlib.import_module(request.param)


def of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("example", [name], indirect=True)


def test_the_page_shows_each_file_as_it_is() -> None:
    shown = re.findall(r"```python\n(\"\"\".*?)```", (DOCS / "extend.md").read_text(), re.DOTALL)
    assert sorted(shown) == sorted((DOCS / "extend" / f"{name}.py").read_text() for name in EXAMPLES)
    assert all(len(text.splitlines()) <= 30 for text in shown)


@of("my_uplink")
def test_the_uplink_sends_weights_that_changed_sign(example: ModuleType) -> None:
    start, end = {"w": np.array([[1.0, -2.0, 3.0]])}, {"w": np.array([[-0.5, 1.5, 2.0]])}
    assert example.SignFlips({"w": 0.5}).select(start, end)["w"].values.tolist() == [-0.5, 1.5]
    assert example.SignFlips({"w": 0.9}).select(start, end, Context())["w"].values.tolist() == [1.5]


@of("my_values")
def test_the_codec_keeps_eight_digits(example: ModuleType) -> None:
    values = np.array([0, 1, -1.5, 3.1415927, 1e38], np.float32)
    codec = example.UpperHalves()
    back = codec.decode(codec.encode(values, seed=0), 5)
    assert codec.encode(values, seed=0).size == codec.length(5) == 10
    np.testing.assert_allclose(back, values, rtol=2**-7)
    assert back[:3].tolist() == [0, 1, -1.5]


@of("my_server")
def test_the_server_takes_a_growing_part_of_the_change(example: ModuleType) -> None:
    server, memory = example.SlowStart(["w"]), {}
    moves = [server.move("w", np.zeros(1, np.float32), np.ones(1, np.float32), memory).item() for _ in range(3)]
    assert moves == pytest.approx([1 / 2, 2 / 3, 3 / 4])


@of("my_rule")
def test_the_rule_keeps_whole_rows_within_its_budget(example: ModuleType) -> None:
    w = np.array([[1.0, 1.0], [3.0, 0.1], [2.0, 2.0]])
    assert example.WholeRows().select({"w": w}, {"w": 3})["w"].tolist() == [2, 3]
    layer = nn.SparseConv2d(4, 6, 3, sparsity=0.75, rng=np.random.default_rng(0))
    set_selection(nn.Sequential(layer), example.WholeRows())
    kept = layer.selecting()(layer.weight, count_kept(layer.weight.size, 0.75))
    assert set(np.diff(kept.indptr)) == {0, 6}
    assert kept.nnz == 4 * 9 // 4 * 6


@of("my_model")
def test_the_model_is_well_behaved_and_sent_in_part(example: ModuleType) -> None:
    assert nn.sparse_weights(example.small_cnn(62, sparsity=0.9)) == {"3.weight": 0.9, "6.weight": 0.9}
    nn.check_module(example.small_cnn(3, sparsity=0.9), (1, 28, 28, 2))


@of("my_layer")
def test_the_layer_has_the_gradients_of_its_formula(example: ModuleType) -> None:
    nn.check_module(example.Residual(6, 0.0, np.random.default_rng(0)), (6, 4))
    nn.check_module(example.network(62, sparsity=0.9), (1, 28, 28, 2))


@of("my_data")
def test_the_data_are_imported_and_learned(example: ModuleType, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path))
    np.savez(tmp_path / "bars.npz", **example.make_arrays())
    import_arrays("bars", tmp_path / "bars.npz")
    data = load("bars", partition="natural")
    small_cnn = importlib.import_module("my_model").small_cnn
    monkeypatch.setitem(MODELS, "small", small_cnn)
    settings = Settings(rounds=3, clients_per_round=6, sparsity=0.8, masks_every=0, validation_samples=0)
    scores = [round.score.accuracy for round in Simulation(data, "small", settings, num_classes=7).run()]
    assert scores[-1] > 0.5


@of("my_uplink")
def test_own_parts_work_together_in_a_simulation(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPLINKS, "own", example.SignFlips)
    monkeypatch.setitem(SERVERS, "own", importlib.import_module("my_server").SlowStart)
    monkeypatch.setitem(MODELS, "own", importlib.import_module("my_layer").network)
    data = load("femnist", source="synthetic", clients=3)
    settings = Settings(rounds=2, clients_per_round=2, uplink="own", server="own", eval_samples=20)
    rounds = list(Simulation(data, "own", settings, num_classes=62).run())
    assert all(0 < round.kept_fraction < 0.25 for round in rounds)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # an old matplotlib with a new pyparsing
def test_the_figure_is_drawn_by_its_script(tmp_path: Path) -> None:
    runpy.run_path(str(DOCS / "zerofl_picture.py"))["draw"](tmp_path / "zerofl.png")
    new, committed = imread(tmp_path / "zerofl.png"), imread(DOCS / "zerofl.png")
    assert new.shape == committed.shape
    assert 0.02 < (new[..., :3] < 0.5).mean() < 0.2  # something is drawn, on a white page


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda f: f.name)
def test_links_into_pages_lead_to_a_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)\s:#]*)#([^)\s]+)\)", page.read_text()):
        text = (page.parent / target).read_text() if target else page.read_text()
        assert anchor in {slug(each) for each in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}, f"{target}#{anchor}"


QUESTIONS = [
    ("where is equation 2?", "paper-and-code.md", r"equations 1 and 2.*`SwatLinear\.backward`.*sparse/swat\.py"),
    ("what is r and why?", "zerofl.md", r"^## Why r > 0$"),
    ("how do I try my own uplink on real data with resume?", "extend.md", r"^minizerofl train .*my_uplink:SignFlips"),
]


@pytest.mark.parametrize(("question", "page", "answer"), QUESTIONS, ids=[each[0] for each in QUESTIONS])
def test_a_question_is_answered_one_click_from_the_readme(question: str, page: str, answer: str) -> None:
    assert f"(docs/{page})" in (ROOT / "README.md").read_text()
    assert re.search(answer, (DOCS / page).read_text(), re.MULTILINE)


def table_1() -> np.ndarray:
    """Read the paper's table from the page: (5 rows, Full and 3 uplinks x 3 mask ratios)."""
    lines = re.findall(r"^\| (?:CIFAR-10|Speech|FEMNIST) \.9\d? .*$", (DOCS / "zerofl.md").read_text(), re.MULTILINE)
    return np.array([[float(x) for x in re.findall(r"\d\d\.\d\d", line)] for line in lines])


def test_what_the_page_says_about_the_papers_table_is_so() -> None:
    table = table_1()
    assert table.shape == (5, 10)
    full, strategies = table[:, :1], table[:, 1:].reshape(5, 3, 3)
    loss = full - strategies[:, :, 0]
    assert 6 < loss.min() < loss.max() < 16.5
    gain = (strategies[:, 0, 2] - full[:, 0]).round(1)
    assert (gain.min(), gain.max()) == (0.4, 2.1)
    assert np.count_nonzero(strategies[:, 1:, 2] < full) == 7


def test_the_glossary_explains_a_word_once() -> None:
    words = re.findall(r"^\| \*\*(.+?)\*\*", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    assert len(words) >= 30
    assert len(set(words)) == len(words)


SMALL = [  # a run of a second
    "--source",
    "synthetic",
    "--clients",
    "3",
    "--clients-per-round",
    "2",
    "--rounds",
    "2",
    "--eval-samples",
    "20",
]


NAMING = ["zerofl", "paper-and-code", "extend", "first-hour", "troubleshooting", "handout", "platforms"]


@pytest.mark.parametrize("page", [f"{name}.md" for name in NAMING])
def test_options_that_a_page_names_exist(page: str) -> None:
    commands = [*cli.commands.values(), *cli.commands["data"].commands.values()]
    known = {name for command in commands for option in command.params for name in option.opts + option.secondary_opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (DOCS / page).read_text())) <= known


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[str]], str]:
    """Run commands in a folder that has the files of docs/extend, and neither data nor a cache."""
    shutil.copytree(DOCS / "extend", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path / "cache"))

    def run(arguments: Sequence[str]) -> str:
        result = click.testing.CliRunner().invoke(cli, list(arguments))
        assert result.exit_code == 0, result.output
        return result.output

    return run


def commands(start: str) -> list[list[str]]:
    """Find the commands of docs/extend.md that begin with some words; return their arguments."""
    lines = re.findall(rf"^minizerofl ({start} .*)$", (DOCS / "extend.md").read_text(), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.long
@pytest.mark.parametrize("arguments", [each for each in commands("train") if "bars" not in each], ids=" ".join)
def test_each_command_of_the_page_trains(arguments: list[str], run: Callable[[Sequence[str]], str]) -> None:
    run([*arguments, *SMALL])
    assert len(list(Path("runs").glob("*-*/model.h5"))) == 1


@pytest.mark.long
def test_the_sweep_of_the_page_has_nine_runs(run: Callable[[Sequence[str]], str]) -> None:
    (text,) = re.findall(r"```\n(uplink = .*?)```", (DOCS / "extend.md").read_text(), re.DOTALL)
    Path("compare.toml").write_text(text)
    assert "9 runs" in run(["sweep", "compare.toml", "--dry-run"])


def test_own_data_are_imported_and_trained_on(run: Callable[[Sequence[str]], str]) -> None:
    runpy.run_path("my_data.py", run_name="__main__")
    run(*commands("data import"))
    (train,) = (each for each in commands("train") if "bars" in each)
    run([*train, "--rounds", "1", "--clients-per-round", "2"])
    assert len(list(Path("runs").glob("bars-*/model.h5"))) == 1


@pytest.mark.long
def test_the_files_of_the_first_hour_work(run: Callable[[Sequence[str]], str]) -> None:
    page = (DOCS / "first-hour.md").read_text()
    for name, kind in (("hour.toml", "toml"), ("my_hour.py", "python")):
        (text,) = re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)
        Path(name).write_text(text)
    assert "4 runs" in run(["sweep", "hour.toml", "--dry-run"])
    run(["train", "--uplink", "my_hour:SignFlips", *SMALL])


RECIPES = re.findall(r"```python\n(.*?)```", (DOCS / "how-to.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("code", RECIPES, ids=range(len(RECIPES)))
def test_recipes_can_be_compiled(code: str) -> None:
    assert compile(code, "how-to.md", "exec").co_names


@pytest.mark.parametrize(
    ("package", "module", "told"),
    [
        ("tensorboard", "torch.utils.tensorboard", "SummaryWriter().add_scalar"),
        ("wandb", "wandb", "log"),
        ("mlflow", "mlflow", "log_metric"),
    ],
)
def test_loggers_are_told_of_each_round(package: str, module: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = (each for each in RECIPES if f"import {package}" in each or module in each)
    logger = MagicMock()  # stands for a package that need not be installed
    parts = module.split(".")
    for i in range(len(parts)):
        monkeypatch.setitem(sys.modules, ".".join(parts[: i + 1]), logger)
    monkeypatch.setitem(MODELS, "flat", lambda sparsity, seed: nn.Sequential(nn.Flatten(), _linear()))
    data = load("femnist", source="synthetic", clients=2)
    settings = Settings(rounds=3, clients_per_round=1, eval_every=2, masks_every=0)
    exec(code, {"run": Simulation(data, "flat", settings)})
    calls = [each for each in logger.mock_calls if each[0] == told]
    assert len(calls) == {"wandb": 3}.get(package, 3 * 2 + 2)
    assert sum("accuracy" in str(each) for each in calls) == 2


def _linear() -> nn.Module:
    return nn.Linear(28 * 28, 62, rng=np.random.default_rng(0))
