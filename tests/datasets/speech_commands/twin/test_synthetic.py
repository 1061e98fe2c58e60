"""The synthetic twin: deterministic, like the real set in shapes and statistics, and neither trivial nor hopeless."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl_datasets import load
from minizerofl_datasets.speech_commands.features import log_mel
from minizerofl_datasets.speech_commands.spectrum import mel_power
from minizerofl_datasets.speech_commands.twin.synthesis import synthesize
from minizerofl_datasets.speech_commands.twin.voices import Voice

FOUR = ("yes", "six", "no", "happy")


@pytest.fixture(scope="module")
def twin():
    return load("speech_commands", source="synthetic", words=FOUR, partition="natural")


def pooled(data) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples, labels and the speaker's number of the training pool."""
    parts = [data.train(client) for client in data.clients]
    sizes = [len(y) for _, y in parts]
    return (
        np.concatenate([x for x, _ in parts]),
        np.concatenate([y for _, y in parts]),
        np.repeat(np.arange(len(parts)), sizes),
    )


@pytest.fixture(scope="module")
def samples(twin):
    return pooled(twin)


def test_it_says_that_it_is_synthetic():
    data = load("speech_commands", source="synthetic")
    assert (data.source, data.format, data.name) == ("synthetic", "synthetic", "speech_commands")
    assert "SYNTHETIC" in data.describe().splitlines()[0]
    assert len(data.clients) == 100
    assert all(client.startswith("synthetic-") for client in data.clients)
    assert len(data.class_names) == 12


def test_classes_are_shared_out_as_in_the_real_set():
    """Real: 33 % keywords, 58 % unknown, 9 % silence in 56,196 training clips; no silence in the test split."""
    data = load("speech_commands", source="synthetic")
    shares = np.bincount(data.labels["train"], minlength=12) / len(data.labels["train"])
    assert 0.28 < shares[:10].sum() < 0.35
    assert 0.56 < shares[10] < 0.62
    assert 0.08 < shares[11] < 0.1
    assert 8000 < len(data.labels["train"]) < 12_000
    assert 800 < len(data.labels["test"]) < 2000
    assert not (data.labels["test"] == 11).any()


def test_v2_has_its_words():
    data = load("speech_commands", source="synthetic", version="v0.02", words=("learn", "visual"), num_clients=2)
    assert data.test()[0].max() == 2


@settings(max_examples=5)
@given(st.integers(0, 2**32))
def test_a_seed_decides_everything(seed):
    one, other = (load("speech_commands", source="synthetic", seed=seed, words=FOUR, num_clients=50) for _ in range(2))
    other.train(other.clients[7])  # reading others first changes nothing
    for call in ("train", "validation", "test"):
        for a, b in zip(getattr(one, call)(one.clients[3]), getattr(other, call)(one.clients[3]), strict=True):
            np.testing.assert_array_equal(a, b)


def test_another_seed_is_another_set():
    one, other = (load("speech_commands", source="synthetic", seed=seed, words=FOUR) for seed in (0, 1))
    assert one.waves(np.array([0]))[0, 8000] != other.waves(np.array([0]))[0, 8000]


def test_a_clip_is_the_same_whatever_the_classes():
    """The eight takes of a speaker's four words are among the sixty of all words."""
    few, all_words = (
        load("speech_commands", source="synthetic", words=words, partition="natural") for words in (FOUR, "all")
    )
    client = few.clients[0]
    known = {x.tobytes() for part in ("train", "validation") for x in getattr(all_words, part)(client)[0]}
    assert all(x.tobytes() in known for x in few.train(client)[0])


def test_many_threads_read_the_same_as_one():
    one, other = (load("speech_commands", source="synthetic", words=FOUR[:2], num_clients=60) for _ in range(2))
    clients = one.clients[:10]
    alone = [one.train(client)[0].sum() for client in clients]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda client: other.train(client)[0].sum(), clients)) == alone


def test_shapes_and_ranges(samples):
    x, y, _ = samples
    assert (x.shape[1:], x.dtype, y.dtype) == ((1, 32, 32), np.float32, np.int64)
    assert x.min() == -2
    assert (x.max(axis=(1, 2, 3)) == 2).all()


def test_statistics_are_like_the_real_set(samples):
    """Real: mean -0.31, deviation 0.97; the mean of one clip varies by 0.42."""
    x, _, _ = samples
    assert -0.65 < x.mean() < -0.15
    assert 0.8 < x.std() < 1.2
    assert 0.25 < x.mean(axis=(1, 2, 3)).std() < 0.7


def test_a_linear_rule_is_neither_perfect_nor_hopeless(samples, twin):
    """Least squares on test speakers; 30 words: 57 %, where a small convolutional network has 96 %."""
    x, y, _ = samples
    test_x, test_y = twin.test()
    mean = x.mean(axis=0).ravel()
    a, b = x.reshape(len(x), -1) - mean, test_x.reshape(len(test_x), -1) - mean
    targets = np.eye(4, dtype=np.float32)[y] - 0.25
    weights = np.linalg.solve(a.T @ a + 3000 * np.eye(1024, dtype=np.float32), a.T @ targets)
    assert 0.6 < ((b @ weights).argmax(axis=1) == test_y).mean() < 0.97


def test_speakers_have_voices_of_their_own(samples):
    """Two clips of a word by one speaker are more alike than two by different speakers."""
    x, y, speaker = samples
    spectrum = x.mean(axis=(1, 3))[y == 0]  # what the voice and the room do on average, (n, 32 bands)
    who = speaker[y == 0]
    distance = ((spectrum[:, None] - spectrum[None]) ** 2).sum(axis=2)
    same = (who[:, None] == who[None]) & ~np.eye(len(who), dtype=bool)
    other = who[:, None] != who[None]
    assert distance[same].mean() < 0.5 * distance[other].mean()


def test_sounds_are_where_phonetics_says():
    """The s of "six" is high, the vowel of "no" low; a hiss has no pitch, a vowel has."""
    rng = np.random.default_rng(0)
    heights = {}
    for word in ("six", "no"):
        power = sum(mel_power(synthesize(Voice(rng).say(word, rng), rng)[None])[0] for _ in range(20))
        heights[word] = float((power.sum(axis=1) * np.arange(32)).sum() / power.sum())
    assert heights["six"] > heights["no"] + 1
    voice = Voice(np.random.default_rng(4))
    score = voice.say("no", np.random.default_rng(5))
    wave = synthesize(score, np.random.default_rng(6)).astype(np.float64)
    loudest = int(np.convolve(wave**2, np.ones(800), "same").argmax())
    piece = wave[max(0, loudest - 800) : loudest + 800]
    similar = np.correlate(piece, piece, "full")[len(piece) - 1 :]
    period = 40 + int(similar[40:320].argmax())  # 50 to 400 Hz
    pitch = float(score.pitch[min(62, loudest // 256)])
    assert min(abs(16_000 / period / (pitch * factor) - 1) for factor in (0.5, 1, 2)) < 0.1
    assert similar[period] > 0.5 * similar[0]


def test_background_noises_are_quiet_rooms(twin):
    noises = twin.background()
    assert len(noises) == 6
    assert all(noise.shape == (32, 313) and np.isfinite(noise).all() and noise.min() > 0 for noise in noises)
    slopes = [np.log(noise.mean(axis=1)[[2, 30]]) for noise in noises]
    assert len({round(float(high - low), 1) for low, high in slopes}) > 3


def test_waves_become_the_features(twin):
    rows = twin._pools["test"].rows[:3]
    np.testing.assert_allclose(twin.features(rows)[:, 0], log_mel(twin.waves(rows)), atol=2e-3)
