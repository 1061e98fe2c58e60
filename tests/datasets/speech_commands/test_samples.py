"""Which clip is where: the split is by speaker, silence is a tenth of the training clips, order decides nothing."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minizerofl_datasets.speech_commands.samples import make_pools
from minizerofl_datasets.speech_commands.speakers import split_of
from minizerofl_datasets.speech_commands.store import SILENT
from minizerofl_datasets.speech_commands.words import VERSIONS, make_vocabulary

names = st.lists(
    st.builds(
        "{}/{:08x}_nohash_{}.wav".format, st.sampled_from(VERSIONS["v0.01"]), st.integers(0, 60), st.integers(0, 3)
    ),
    unique=True,
    max_size=120,
)
choices = st.sampled_from(["paper", "all", ("bed", "cat", "happy")])


@given(names, choices)
def test_every_clip_of_a_class_is_in_one_pool_its_speakers(names, words):
    vocabulary = make_vocabulary(words, "v0.01")
    pools = make_pools(names, vocabulary)
    spoken = np.concatenate([pool.rows[pool.rows != SILENT] for pool in pools.values()])
    assert sorted(spoken) == [row for row, name in enumerate(names) if name.split("/")[0] in vocabulary.label_of]
    for split, pool in pools.items():
        assert len(pool.rows) == len(pool.labels) == len(pool.speakers)
        for row, label, speaker in zip(pool.rows, pool.labels, pool.speakers, strict=True):
            assert split_of(str(speaker)) == split
            if row != SILENT:
                assert speaker in names[row]
                assert label == vocabulary.label_of[names[row].split("/")[0]]


@given(names, choices)
def test_a_tenth_of_the_training_clips_is_silence(names, words):
    vocabulary = make_vocabulary(words, "v0.01")
    pools = make_pools(names, vocabulary)
    train = pools["train"]
    silent = train.rows == SILENT
    assert silent.sum() == (int(0.1 * (~silent).sum()) if words == "paper" else 0)
    assert set(train.labels[silent]) <= {11}
    assert not (train.labels[~silent] == 11).any() or words != "paper"
    assert not any((pools[split].rows == SILENT).any() for split in ("validation", "test"))


@given(names, st.randoms(use_true_random=False))
def test_the_order_of_names_decides_nothing(names, random):
    shuffled = random.sample(names, len(names))
    vocabulary = make_vocabulary("paper", "v0.01")
    for split, pool in make_pools(names, vocabulary).items():
        other = make_pools(shuffled, vocabulary)[split]
        assert [names[row] for row in pool.rows if row >= 0] == [shuffled[row] for row in other.rows if row >= 0]
        np.testing.assert_array_equal(pool.speakers, other.speakers)


def test_silence_is_spread_over_the_speakers():
    names = [f"{word}/{speaker:08x}_nohash_0.wav" for speaker in range(40) for word in VERSIONS["v0.01"]]
    train = make_pools(names, make_vocabulary("paper", "v0.01"))["train"]
    speakers, counts = np.unique(train.speakers[train.rows == SILENT], return_counts=True)
    assert set(speakers) == set(train.speakers)
    assert set(counts) == {3}


def test_the_papers_counts():
    """51,088 spoken training clips give 5,108 silent ones: int(10 %), not a rounding of it."""
    speaker = "012c8314"
    names = [f"bed/{speaker}_nohash_{i}.wav" for i in range(51_088)]
    assert len(make_pools(names, make_vocabulary("paper", "v0.01"))["train"].rows) == 56_196
