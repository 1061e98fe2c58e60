"""Whole writers held out: none of their images is trained on, all are tested, the other writers stay as they are."""

import numpy as np
import pytest

from minizerofl_datasets import load


def test_writers_are_divided_and_all_their_images_tested(tmp_path, write_tff):
    sizes = {f"f{i:02}": 12 + i for i in range(20)}
    write_tff(tmp_path, sizes, dict.fromkeys(sizes, 3))
    whole = load("femnist", data_dir=tmp_path)
    held = load("femnist", data_dir=tmp_path, holdout_writers=5)
    assert sorted([*held.clients, *held.test_clients]) == list(whole.clients)
    assert len(held.test_clients) == 5
    assert "5 whole writers are the test set" in held.describe().splitlines()[0]
    for client in held.clients:
        np.testing.assert_array_equal(held.train(client)[0], whole.train(client)[0])
        np.testing.assert_array_equal(held.validation(client)[0], whole.validation(client)[0])
        with pytest.raises(ValueError, match="client="):
            held.test(client)
    for client in held.test_clients:
        assert held.num_test(client) == len(held.test(client)[1]) == sizes[client] + 3
        with pytest.raises(ValueError, match="client="):
            held.train(client)
    assert len(held.test()[1]) == sum(sizes[client] + 3 for client in held.test_clients)


def test_the_seed_chooses_and_few_move_when_writers_come_and_go(tmp_path, write_tff):
    write_tff(tmp_path / "all", {f"f{i:02}": 3 for i in range(40)}, {})
    write_tff(tmp_path / "some", {f"f{i:02}": 3 for i in range(39)}, {})
    of = {
        key: set(load("femnist", data_dir=tmp_path / key[0], seed=key[1], holdout_writers=8).test_clients)
        for key in [("all", 0), ("all", 1), ("some", 0)]
    }
    assert of["all", 0] != of["all", 1]
    assert len(of["all", 0] & of["some", 0]) >= 7


@pytest.mark.parametrize("writers", [-1, 4, 5])
def test_somebody_must_be_left(writers):
    with pytest.raises(ValueError, match=f"holdout_writers={writers}: give 0 to 3"):
        load("femnist", source="synthetic", clients=4, holdout_writers=writers)
