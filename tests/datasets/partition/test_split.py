"""Every method of splitting: each sample once, nobody empty, always ends, same seed same split, skewed as promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_datasets.choices import METHODS
from minizerofl_datasets.partition import choose, label_counts, split

SKEWED = ("dirichlet", "dirichlet-min", "quantity")
methods = st.sampled_from([method for method in METHODS if method != "natural"])
alphas = st.one_of(st.floats(1e-9, 1e6), st.floats(5e-324, 1.7e308), st.just(float("inf")))
seeds = st.integers(0, 2**32)


@st.composite
def pools(draw):
    """Labels of any balance, some classes missing, and a number of clients that the pool can feed."""
    counts = draw(st.lists(st.integers(0, 60), min_size=1, max_size=8))
    y = np.repeat(np.arange(len(counts)), counts)
    clients = draw(st.integers(1, max(1, len(y) // 2)))
    return np.random.default_rng(draw(seeds)).permutation(y), clients


def options_of(method, draw):
    """Draw the parameters of a method so that every pool of ``pools`` allows them."""
    if method == "shards":
        return {"shards_per_client": draw(st.integers(1, 2))}
    options = {"alpha": draw(alphas)} if method in SKEWED else {}
    if method == "dirichlet":
        options["prior"] = draw(st.sampled_from(["classes", "uniform"]))
    if method in ("dirichlet-min", "quantity"):
        options["min_size"] = draw(st.integers(1, 2))
    return options


@given(pools().filter(lambda pool: len(pool[0]) >= 2), methods, seeds, st.data())
def test_every_sample_is_used_once_and_nobody_is_empty(pool, method, seed, data):
    y, clients = pool
    options = options_of(method, data.draw)
    dealt = split(y, method, num_clients=clients, seed=seed, **options)
    rows = [dealt.rows(client) for client in dealt.clients]
    assert sorted(np.concatenate(rows)) == list(range(len(y)))
    sizes = [len(part) for part in rows]
    assert len(sizes) == clients
    assert min(sizes) >= options.get("min_size", 1)
    if method in ("iid", "dirichlet"):
        assert max(sizes) - min(sizes) <= 1
    assert dealt.clients == tuple(sorted(dealt.clients))
    again = split(y, method, num_clients=clients, seed=seed, **options)
    assert again.sha256() == dealt.sha256()


@pytest.mark.parametrize("method", [method for method in METHODS if method != "natural"])
def test_another_seed_is_another_split(method):
    y = np.arange(1000) % 10
    first, other = (split(y, method, num_clients=10, seed=seed).sha256() for seed in (0, 1))
    assert first != other


def distance_from_iid(dealt, y, classes):
    """Mean total-variation distance between a client's distribution of classes and the pool's."""
    counts = label_counts(dealt, y, classes)
    shares = counts / counts.sum(axis=1, keepdims=True)
    return np.abs(shares - np.bincount(y, minlength=classes) / len(y)).sum(axis=1).mean() / 2


@pytest.mark.parametrize("method", ["dirichlet", "dirichlet-min"])
@given(seeds)
def test_skew_falls_with_alpha_towards_iid(method, seed):
    """On a pool as unbalanced as Speech Commands: one class in ten has 58 %."""
    y = np.repeat(np.arange(10), [2320, *[187] * 8, 184])
    far, near, nearest = (
        distance_from_iid(split(y, method, num_clients=20, seed=seed, alpha=alpha), y, 10) for alpha in (0.1, 1.0, 1e5)
    )
    at_random = distance_from_iid(split(y, "iid", num_clients=20, seed=seed), y, 10)
    assert far > near > nearest
    assert nearest < 1.5 * at_random


@pytest.mark.parametrize("method", ["dirichlet", "dirichlet-min", "quantity"])
def test_an_alpha_near_the_largest_float_is_an_infinite_one(method):
    y = np.arange(3000) % 62
    for alpha in (1e16, 1e300, 1e308):
        huge, infinite = (split(y, method, num_clients=10, alpha=each) for each in (alpha, float("inf")))
        assert huge.sha256() == infinite.sha256()


@pytest.mark.parametrize("method", SKEWED)
def test_an_infinite_alpha_is_allowed(method):
    y = np.arange(1000) % 10
    assert len(split(y, method, num_clients=10, alpha=float("inf")).clients) == 10


def test_a_uniform_prior_is_far_from_iid_on_an_unbalanced_pool():
    y = np.repeat([0, 1], [900, 100])
    uniform = split(y, "dirichlet", num_clients=10, alpha=1000.0, prior="uniform")
    classes = split(y, "dirichlet", num_clients=10, alpha=1000.0)
    assert distance_from_iid(uniform, y, 2) > 0.12
    assert distance_from_iid(classes, y, 2) < 0.05


def test_the_priors_agree_on_a_balanced_pool():
    y = np.arange(500) % 5
    one, other = (split(y, "dirichlet", num_clients=7, prior=prior) for prior in ("classes", "uniform"))
    assert one.sha256() == other.sha256()


@given(seeds, st.integers(1, 4))
def test_shards_give_few_classes(seed, shards):
    y = np.repeat(np.arange(10), 40)
    dealt = split(y, "shards", num_clients=10, seed=seed, shards_per_client=shards)
    assert max((label_counts(dealt, y, 10) > 0).sum(axis=1)) <= 2 * shards


def test_quantity_skews_sizes_and_not_classes():
    y = np.arange(20_000) % 10
    dealt = split(y, "quantity", num_clients=10, alpha=0.5, min_size=200)
    sizes = np.array([len(dealt.rows(client)) for client in dealt.clients])
    assert sizes.max() > 4 * sizes.min()
    assert distance_from_iid(dealt, y, 10) < 0.1


def test_natural_keeps_what_each_owner_made():
    owners = ["zoe", "al", "zoe", "bo"]
    dealt = split(np.array([1, 1, 0, 2]), "natural", owners=owners)
    assert {client: dealt.rows(client).tolist() for client in dealt.clients} == {"al": [1], "bo": [3], "zoe": [0, 2]}


def test_a_known_split_stays_what_it_was():
    """Pinned: a new split would change every stored run."""
    y = np.arange(60) % 3
    hashes = {method: split(y, method, num_clients=4, seed=5).sha256()[:8] for method in METHODS[1:]}
    assert hashes == {
        "iid": "67311920",
        "dirichlet": "dffcbae3",
        "dirichlet-min": "05348480",
        "shards": "ba95b5c4",
        "quantity": "35051093",
    }


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "dirichlett"}, "did you mean 'dirichlet'"),
        ({"method": "dirichlet", "alpha": 0.0}, "alpha=0.0"),
        ({"method": "dirichlet", "alpha": float("nan")}, "alpha=nan"),
        ({"method": "dirichlet", "prior": "class"}, "did you mean 'classes'"),
        ({"method": "dirichlet", "min_size": 3}, "min_size is not a parameter of partition='dirichlet'"),
        ({"method": "iid", "alpha": 1.0}, "alpha is not a parameter of partition='iid'"),
        ({"method": "dirichlet-min", "min_size": 26}, "give 1 to 25"),
        ({"method": "shards", "shards_per_client": 0}, "give 1 to 25"),
        ({"method": "shards", "shards_per_client": 26}, "give 1 to 25"),
        ({"method": "iid", "num_clients": 0}, "give 1 to 100"),
        ({"method": "iid", "num_clients": 101}, "give 1 to 100"),
        ({"method": "natural"}, "the owner of each sample"),
        ({"method": "natural", "alpha": 1.0}, "takes no alpha"),
        ({"method": "natural", "owners": ["a"]}, "1 names for 100 samples"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(options, says):
    with pytest.raises(ValueError) as error:
        split(np.arange(100) % 10, **{"num_clients": 4, **options})
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_stored_partition_can_be_chosen(tmp_path):
    y = np.arange(20) % 2
    dealt = split(y, "iid", num_clients=3, seed=9)
    dealt.write(tmp_path / "partition.json")
    assert choose(y, str(tmp_path / "partition.json"), num_clients=5, seed=0).sha256() == dealt.sha256()
