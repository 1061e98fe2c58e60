"""What Python prints for the objects of a federation, and what a notebook shows."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minizerofl_datasets
from minizerofl.fl import Checkpoint, Evaluation, Outcome, Round, SavedModel, Settings, Simulation
from minizerofl.shown import Shown
from minizerofl_datasets import FederatedDataset, import_arrays
from minizerofl_datasets.femnist.holdout import hold_out_writers
from minizerofl_datasets.femnist.tff import TffFemnist

ROUND = Round(
    3,
    0.1,
    (Outcome("a", "accepted", uplink_bytes=2_000_000), Outcome("b", "crashed", "no")),
    train_loss=1.5,
    dense_bytes=7_000_000,
    kept_fraction=0.25,
    score=Evaluation(200, 0.615, 1.25, 0.5),
    train_seconds=2.0,
)
TEXTS = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1)


class Facts(Shown):
    def __init__(self, title: str, content: dict[str, object]) -> None:
        self.content = title, content

    def _facts(self) -> tuple[str, dict[str, object]]:
        return self.content


def cells(shown: object) -> tuple[str, dict[str, str]]:
    """Read the table that a notebook shows; it has no attributes, so no colours either."""
    root = ElementTree.fromstring(shown._repr_html_())
    assert not any(each.attrib for each in root.iter())
    caption, *rows = root
    assert (root.tag, caption.tag, {row.tag for row in rows}) == ("table", "caption", {"tr"})
    return caption.text, {row[0].text: row[1].text for row in rows}


@given(TEXTS, st.dictionaries(TEXTS, TEXTS, min_size=1))
def test_a_table_holds_the_facts_whatever_they_are(title: str, facts: dict[str, str]) -> None:
    assert cells(Facts(title, facts)) == (title, facts)


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_a_line_is_one_line_whatever_the_facts_are(title: str, facts: dict[str, str]) -> None:
    assert repr(Facts(title, facts)).isprintable()
    assert repr(Facts(title, facts)) == f"<{Facts(title, facts)}>"


def test_a_round_is_a_line_that_a_person_reads() -> None:
    line = "accuracy 61.5 %, loss 1.250, train loss 1.500, clients 1 of 2, uplink 2.0 MB (3.5x less than dense)"
    assert str(ROUND) == f"round 3: {line}, time 2.0 s"
    assert str(replace(ROUND, score=Evaluation())).startswith("round 3: accuracy not evaluated, train loss")
    assert cells(ROUND)[1]["uplink"] == "2.0 MB (3.5x less than dense)"


def test_a_saved_model_tells_what_it_knows() -> None:
    saved = SavedModel("own", {"sparsity": 0.9, "seed": 3}, {"w": np.zeros((500, 1000), np.float32)})
    assert str(saved) == "saved model own: sparsity 0.9, tensors 1, size 2.0 MB"
    about = {"dataset": "<femnist>", "source": "synthetic", "rounds": 30, "test_accuracy": 0.689}
    assert cells(replace(saved, about=about))[1]["trained on"] == "<femnist>, SYNTHETIC data"
    assert str(replace(saved, about=about)).endswith(
        "trained on <femnist>, SYNTHETIC data, rounds 30, test accuracy 68.9 %"
    )
    assert str(Checkpoint(4, saved.state)) == "checkpoint after round 4: tensors 1, size 2.0 MB"


def test_a_simulation_tells_where_it_stands() -> None:
    data = minizerofl_datasets.load("femnist", source="synthetic", clients=3)
    run = Simulation(data, "femnist_cnn", Settings(rounds=2, clients_per_round=1, eval_samples=5))
    assert cells(run)[0] == "simulation of femnist_cnn on femnist, SYNTHETIC data"
    assert cells(run)[1]["round"] == "0 of 2"
    next(run.run())
    assert cells(run)[1] | {"model": ""} == {
        "round": "1 of 2",
        "clients": "3, 1 a round",
        "uplink": "topk-weights",
        "sparsity": "0.95",
        "mask ratio": "0.2",
        "model": "",
        "workers": "1",
    }
    assert len(repr(run)) < 250


@pytest.fixture
def sets(tmp_path, monkeypatch) -> list[FederatedDataset]:
    """Load every set, as a twin or as arrays that are made up."""
    monkeypatch.setenv("MINIZEROFL_CACHE", str(tmp_path))
    np.savez(tmp_path / "own.npz", x=np.zeros((200, 1, 8, 8), np.uint8), y=np.arange(200) % 5)
    import_arrays("own", tmp_path / "own.npz")
    femnist = minizerofl_datasets.load("femnist", source="synthetic", clients=4)
    return [
        femnist,
        hold_out_writers(femnist, 1),
        minizerofl_datasets.load("cifar10", source="synthetic", num_clients=500, clients=5),
        minizerofl_datasets.load(
            "speech_commands", source="synthetic", num_clients=100, clients=5, words=("yes", "no")
        ),
        minizerofl_datasets.load("own", num_clients=5),
    ]


def test_a_data_set_tells_what_it_holds_and_whether_it_is_real(sets: list[FederatedDataset]) -> None:
    for data in sets:
        kind = "real" if data.name == "own" else "SYNTHETIC"
        title, facts = cells(data)
        assert title == f"{data.name}, {kind} data"
        assert facts == {
            "clients": str(len(data.clients)),
            "training samples": f"{sum(len(data.train(client)[1]) for client in data.clients):,}",
            "test samples": f"{len(data.test()[1]):,}",
            "input": "x".join(map(str, data.train(data.clients[0])[0].shape[1:])),
            "classes": str(len(data.class_names)),
            "origin": data.origin,
        }
        assert repr(data).startswith(f"<{title}: clients {facts['clients']}, training samples")
        assert repr(data).endswith("; describe() says more>")
        assert len(repr(data)) < 160


def test_printing_a_data_set_reads_no_files(sets: list[FederatedDataset], monkeypatch) -> None:
    femnist = sets[0]
    monkeypatch.setattr(type(femnist), "counts_at_once", TffFemnist.counts_at_once)
    assert "samples" not in repr(femnist)
    for client in femnist.clients:
        femnist.num_train(client), femnist.num_test(client)
    assert "training samples" in repr(femnist)
