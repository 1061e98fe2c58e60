"""A user's own arrays: imported under a name, known to load(), refused in one line if they are not fit."""

from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minizerofl_datasets import DataError, import_arrays, load
from minizerofl_datasets.arrays import read_arrays
from minizerofl_datasets.imported import imported_names

X = np.random.default_rng(0).integers(0, 256, (60, 3, 4, 5), dtype=np.uint8)
Y = np.arange(60) % 3
OWNERS = np.array(["zoë", "al", "bo"])[np.arange(60) // 20]


def write(path, **arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for key, array in arrays.items():
                text = array.dtype.kind == "U"
                file[key] = array.astype(h5py.string_dtype()) if text else array
    return path


@pytest.mark.parametrize("file", ["mine.npz", "mine.h5"])
def test_an_import_is_known_to_load(tmp_path, file):
    names = np.array(["a", "b", "c"])
    path = write(tmp_path / file, x=X, y=Y, client=OWNERS, class_names=names)
    import_arrays("mine", path)
    path.unlink()  # the set is in the cache now
    assert imported_names() == ("mine",)
    data = load("mine", seed=4)
    assert (data.name, data.source, data.format, data.input_shape) == ("mine", "real", "imported", (3, 4, 5))
    assert data.clients == ("al", "bo", "zoë")
    assert data.class_names == ("a", "b", "c")
    everything = [getattr(data, call)(client) for call in ("train", "validation", "test") for client in data.clients]
    seen = np.concatenate([x for x, _ in everything])
    assert len(seen) == 60
    assert len(data.test()[1]) == 6
    originals = {image.tobytes(): (label, owner) for image, label, owner in zip(X, Y, OWNERS, strict=True)}
    for client in data.clients:
        for image, label in zip(*data.train(client), strict=True):
            assert originals[np.rint(image * 255).astype(np.uint8).tobytes()] == (label, client)


def test_a_test_set_of_its_own_stays_with_its_clients(tmp_path):
    import_arrays(
        "mine",
        write(tmp_path / "a.npz", x=X, y=Y, client=OWNERS, x_test=X[:9], y_test=Y[:9], client_test=OWNERS[15:24]),
    )
    data = load("mine")
    assert [data.num_test(client) for client in data.clients] == [4, 0, 5]
    assert len(data.train("al")[1]) == 18


def test_without_clients_a_partition_deals_it(tmp_path):
    import_arrays("mine", write(tmp_path / "a.npz", x=X[:, 0].astype(np.float64), y=Y))
    data = load("mine", num_clients=4, partition="iid")
    assert data.input_shape == (1, 4, 5)
    assert data.train("client-0000")[0].dtype == np.float32
    assert data.train("client-0000")[0].max() > 1  # floats are handed out as they are
    with pytest.raises(ValueError, match="the owner of each sample"):
        load("mine", partition="natural")
    with pytest.raises(ValueError, match="source='rael' is unknown: did you mean 'real'"):
        load("mine", source="rael")


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y": Y}, "needs the arrays 'x'"),
        ({"x": X}, "needs the arrays 'x'"),
        ({"x": X, "y": Y[:-1]}, r"'y' is int64 \(59,\), values from 0 to 2, expected 60 whole numbers"),
        ({"x": X, "y": Y - 1}, "expected 60 whole numbers of at least 0"),
        ({"x": X, "y": Y / 2}, "'y' is float64"),
        ({"x": X.reshape(60, 60), "y": Y}, r"'x' is uint8 \(60, 60\)"),
        ({"x": X.astype(np.int32), "y": Y}, "'x' is int32"),
        ({"x": X[:0], "y": Y[:0]}, r"'x' is uint8 \(0, 3, 4, 5\)"),
        ({"x": np.full((60, 4, 5), np.nan), "y": Y}, "NaN or infinity"),
        ({"x": X, "y": Y, "client": OWNERS[:3]}, "expected one name for each sample"),
        ({"x": X, "y": Y, "client": Y / 2}, "expected one name for each sample"),
        ({"x": X, "y": Y, "x_test": X}, "give both or neither"),
        ({"x": X, "y": Y, "x_test": X[..., :2], "y_test": Y}, "differs from 'x'"),
        ({"x": X, "y": Y, "x_test": X / 2, "y_test": Y}, "differs from 'x'"),
        ({"x": X.astype(object), "y": Y}, "'x' holds Python objects"),
        ({"x": np.full((60, 4, 5), 1e300), "y": Y}, "NaN or infinity"),
        ({"x": X, "y": Y, "class_names": np.array(["a", "b"])}, "expected a name for 3 classes"),
        ({"x": X, "y": Y, "class_names": np.array([["a"], ["b"], ["c"]])}, "expected a name for 3 classes"),
        ({"x": X, "y": Y, "class_names": np.array("abc")}, "expected a name for 3 classes"),
    ],
)
def test_arrays_of_the_wrong_form_are_refused(tmp_path, arrays, says):
    with pytest.raises(DataError, match=says) as error:
        import_arrays("mine", write(tmp_path / "a.npz", **arrays))
    assert "a.npz" in str(error.value)
    assert "\n" not in str(error.value)
    assert imported_names() == ()


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (
            np.where(Y == 1, np.uint64(2**64 - 1), np.uint64(0)),
            "values from 0 to 18446744073709551615, expected",
        ),
        (Y * 3_000_000_000, "values from 0 to 6000000000, expected"),
        (Y * 32_768, r"values from 0 to 65536, expected .* \(at most 65,535\)"),
        (Y.astype(np.int8) - 3, "values from -3 to -1, expected"),
        (Y / 2, r"is float64 \(60,\), values from 0.0 to 1.0, expected"),
        (Y.astype(np.float32), "is float32"),
        (Y.astype(str), "is <U21"),
        (Y.astype(bool), "is bool"),
        (np.eye(3, dtype=np.uint8)[Y], r"is uint8 \(60, 3\), expected \(60,\); if each row is one-hot"),
    ],
)
@pytest.mark.parametrize("end", ["", "_test"])
def test_labels_that_cannot_be_classes_are_refused(tmp_path, labels, says, end):
    arrays = {"x": X, "y": Y, "x_test": X, "y_test": Y, f"y{end}": labels}
    with pytest.raises(DataError, match=f"a.npz: 'y{end}' {says}" if says[:2] == "is" else says) as error:
        read_arrays(write(tmp_path / "a.npz", **arrays))
    assert "\n" not in str(error.value)


def test_labels_and_clients_in_a_column_are_taken(tmp_path):
    import_arrays("mine", write(tmp_path / "a.npz", x=X, y=Y[:, None], client=OWNERS[:, None]))
    import_arrays("flat", write(tmp_path / "a.npz", x=X, y=Y, client=OWNERS))
    column, flat = load("mine"), load("flat")
    assert column.clients == flat.clients
    for client in flat.clients:
        np.testing.assert_array_equal(column.train(client)[1], flat.train(client)[1])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_in_the_last_place_are_refused_with_a_hint(tmp_path, channels):
    x = np.zeros((60, 32, 32, channels), np.uint8)
    with pytest.raises(DataError, match=r"looks like \(N, H, W, C\); store it as .*transpose\(0, 3, 1, 2\)"):
        read_arrays(write(tmp_path / "a.npz", x=x, y=Y))
    turned = read_arrays(write(tmp_path / "a.npz", x=x.transpose(0, 3, 1, 2), y=Y))
    assert turned["x"].shape == (60, channels, 32, 32)


@pytest.mark.parametrize("file", ["a.npz", "a.h5"])
@pytest.mark.parametrize("names", [("x_train", "y_train"), ("train_images", "train_labels")])
def test_foreign_names_are_listed(tmp_path, file, names):
    arrays = dict(zip(names, (X, Y), strict=True))
    says = f"needs the arrays 'x' .* and 'y' .*; it has '{names[0]}', '{names[1]}'. Store them again under these names"
    with pytest.raises(DataError, match=says):
        read_arrays(write(tmp_path / file, **arrays))


def test_empty_classes_are_told(tmp_path):
    told = []
    import_arrays("mine", write(tmp_path / "a.npz", x=X, y=Y + 1), say=told.append)
    import_arrays("more", write(tmp_path / "a.npz", x=X, y=np.where(Y == 0, 255, Y)), say=told.append)
    names = np.array(list("abcde"))
    import_arrays("named", write(tmp_path / "a.npz", x=X, y=Y, class_names=names), say=told.append)
    import_arrays("whole", write(tmp_path / "a.npz", x=X, y=Y), say=told.append)
    assert told == [
        "1 of 4 classes have no sample: 0.",
        "253 of 256 classes have no sample: 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, ....",
        "2 of 5 classes have no sample: 3, 4.",
    ]


@pytest.mark.parametrize(("samples", "clients"), [(2, 1), (9, 1), (40, 3), (60, 5), (110, 9), (112, 100), (300, 100)])
def test_a_small_set_has_fewer_clients(tmp_path, samples, clients):
    x = np.resize(X, (samples, 3, 4, 5))
    import_arrays("mine", write(tmp_path / "a.npz", x=x, y=np.arange(samples) % 3))
    data = load("mine")
    assert len(data.clients) == clients
    assert len(data.test()[1]) == max(1, samples // 10)
    assert len(data.labels["train"]) == samples - max(1, samples // 10)


def test_one_sample_is_refused_before_it_is_stored(tmp_path):
    with pytest.raises(DataError, match="holds one sample, expected at least two"):
        import_arrays("mine", write(tmp_path / "a.npz", x=X[:1], y=Y[:1]))
    assert imported_names() == ()
    import_arrays("mine", write(tmp_path / "a.npz", x=X[:1], y=Y[:1], x_test=X[:1], y_test=Y[:1]))
    assert len(load("mine").test()[1]) == 1


@pytest.mark.parametrize("file", ["A.NPZ", "A.H5"])
def test_a_name_in_capitals_is_what_it_says(tmp_path, file):
    path = write(tmp_path / file.lower(), x=X, y=Y)
    import_arrays("mine", path.rename(tmp_path / file))
    assert load("mine").input_shape == (3, 4, 5)


@pytest.mark.parametrize("file", ["a.npz", "a.h5"])
def test_names_of_clients_are_bounded(tmp_path, file):
    owners = np.where(Y == 0, "n" * 257, "b")
    with pytest.raises(DataError, match="names of more than 256 characters"):
        import_arrays("mine", write(tmp_path / file, x=X, y=Y, client=owners))


@pytest.mark.parametrize("file", ["a.npz", "a.h5", "a.txt"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path, file, share):
    path = write(tmp_path / file.replace("txt", "h5"), x=X, y=Y)
    content = path.read_bytes()
    (tmp_path / file).write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="cannot be read"):
        import_arrays("mine", tmp_path / file)


@pytest.mark.parametrize("name", ["femnist", "../up", "a/b", "", "A", "a" * 65, ".hidden"])
def test_a_name_that_cannot_be_one_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="name="):
        import_arrays(name, write(tmp_path / "a.npz", x=X, y=Y))


def test_a_name_that_is_taken_is_kept_unless_told_otherwise(tmp_path):
    path = write(tmp_path / "a.npz", x=X, y=Y)
    import_arrays("mine", path)
    write(path, x=X[:30], y=Y[:30])
    with pytest.raises(ValueError, match="is taken"):
        import_arrays("mine", path)
    assert len(load("mine", num_clients=2).labels["train"]) == 54
    import_arrays("mine", path, replace=True)
    assert len(load("mine", num_clients=2).labels["train"]) == 27


def test_of_imports_at_once_one_is_taken(tmp_path):
    file = write(tmp_path / "a.npz", x=X, y=Y)

    def take(_):
        try:
            return bool(import_arrays("mine", file))
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(take, range(3)))
    assert ends.count(True) == 1
    assert all("is taken" in end for end in ends if end is not True)


def test_a_misspelt_import_is_suggested(tmp_path):
    import_arrays("my-scans", write(tmp_path / "a.npz", x=X, y=Y))
    with pytest.raises(ValueError, match="did you mean 'my-scans'"):
        load("my-scan")
    with pytest.raises(ValueError, match="no synthetic twin"):
        load("my-scans", source="synthetic")


def owners_of(data, x, owners, split="test"):
    """Who made each sample that a client has, by the client: the images of `x` are all different."""
    whose = {image.tobytes(): str(owner) for image, owner in zip(x, owners, strict=True)}
    clients = data.test_clients if split == "test" else data.clients
    read = getattr(data, split)
    return {c: {whose[np.rint(image * 255).astype(np.uint8).tobytes()] for image in read(c)[0]} for c in clients}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    owners=st.lists(st.sampled_from("abcde"), min_size=12, max_size=30),
    tested=st.one_of(st.none(), st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=12)),
    seed=st.integers(0, 5),
)
def test_a_sample_stays_with_its_client(tmp_path, owners, tested, seed):
    x, owners = np.random.default_rng(0).integers(0, 256, (50, 1, 3, 4), dtype=np.uint8), np.array(owners)
    n, whose = len(owners), {"client": owners}
    if tested is not None:
        whose |= {"x_test": x[n : n + len(tested)], "y_test": np.zeros(len(tested), int), "client_test": tested}
    path = write(tmp_path / "a.npz", x=x[:n], y=np.arange(n) % 2, **whose)
    import_arrays("mine", path, replace=True)
    natural = load("mine", seed=seed)
    natural.partition.write(tmp_path / "partition.json")
    everyone = [*owners, *(tested or [])]
    for data in (natural, load("mine", seed=seed, partition=str(tmp_path / "partition.json"))):
        for split in ("train", "test"):
            for client, found in owners_of(data, x[: len(everyone)], everyone, split).items():
                assert found <= {client}
        assert {c: data.num_test(c) for c in data.test_clients} == {c: natural.num_test(c) for c in data.test_clients}
        if tested is not None:
            assert {c: data.num_test(c) for c in set(tested)} == {c: tested.count(c) for c in set(tested)}
            assert set(data.clients) == set(owners)
        assert sum(map(data.num_test, data.test_clients)) == (len(tested) if tested else max(1, n // 10))


def test_a_stranger_is_tested_apart_and_the_others_keep_their_samples(tmp_path):
    test_owners = np.array(["bo"] * 4 + ["stranger"] * 2)
    import_arrays(
        "mine",
        write(tmp_path / "a.npz", x=X, y=Y, client=OWNERS, x_test=X[:6], y_test=Y[:6], client_test=test_owners),
    )
    for data, clients in ((load("mine"), ("al", "bo", "zoë")), (load("mine", clients=1), ("al",))):
        assert data.clients == clients
        assert data.test_clients == tuple(sorted([*clients, "stranger"]))
        np.testing.assert_array_equal(data.test("stranger")[1], Y[4:6])
        with pytest.raises(ValueError, match="client='stranger'"):
            data.train("stranger")
    assert [load("mine").num_test(client) for client in ("al", "bo", "zoë")] == [0, 4, 0]


@pytest.mark.parametrize("method", ["natural", "dirichlet"])
def test_a_stored_partition_gives_the_same_samples_under_another_seed(tmp_path, method):
    import_arrays("mine", write(tmp_path / "a.npz", x=X, y=Y, client=OWNERS))
    first = load("mine", seed=0, partition=method)
    first.partition.write(tmp_path / "p.json")
    again = load("mine", seed=1, partition=str(tmp_path / "p.json"))
    assert again.test_clients == first.test_clients
    for client in first.test_clients:
        np.testing.assert_array_equal(again.test(client)[0], first.test(client)[0])
    for client in first.clients:
        both = [np.concatenate([data.train(client)[0], data.validation(client)[0]]) for data in (first, again)]
        np.testing.assert_array_equal(*(np.sort(x.reshape(len(x), -1), axis=0) for x in both))


def test_a_natural_partition_of_other_samples_is_refused(tmp_path):
    import_arrays("mine", write(tmp_path / "a.npz", x=X, y=Y, client=OWNERS))
    load("mine").partition.write(tmp_path / "p.json")
    import_arrays("mine", write(tmp_path / "a.npz", x=X, y=Y, client=OWNERS[::-1]), replace=True)
    with pytest.raises(ValueError, match=r"partition: is natural, but not that of these samples"):
        load("mine", partition=str(tmp_path / "p.json"))


@pytest.mark.parametrize("missing", ["client", "x_test"])
def test_owners_of_the_test_samples_alone_are_refused(tmp_path, missing):
    arrays = {"x": X, "y": Y, "client": OWNERS, "x_test": X[:6], "y_test": Y[:6], "client_test": OWNERS[:6]}
    for key in (missing, missing.replace("x_", "y_")):
        arrays.pop(key, None)
    with pytest.raises(DataError, match="has 'client_test', but not both"):
        import_arrays("mine", write(tmp_path / "a.npz", **arrays))
