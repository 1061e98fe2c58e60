"""Classes: the paper's twelve, all words, a choice."""

import pytest

from minizerofl_datasets.speech_commands.twin.phonemes import PRONUNCIATION
from minizerofl_datasets.speech_commands.words import KEYWORDS, VERSIONS, make_vocabulary


@pytest.mark.parametrize(("version", "words"), [("v0.01", 30), ("v0.02", 35)])
def test_the_papers_classes_are_ten_keywords_unknown_and_silence(version, words):
    vocabulary = make_vocabulary("paper", version)
    assert vocabulary.class_names == (*KEYWORDS, "unknown", "silence")
    assert len(vocabulary.label_of) == words
    assert [vocabulary.label_of[word] for word in KEYWORDS] == list(range(10))
    assert {label for word, label in vocabulary.label_of.items() if word not in KEYWORDS} == {10}
    assert vocabulary.has_silence


@pytest.mark.parametrize("version", VERSIONS)
def test_all_words_are_classes_in_alphabetical_order(version):
    vocabulary = make_vocabulary("all", version)
    assert vocabulary.class_names == tuple(sorted(VERSIONS[version]))
    assert not vocabulary.has_silence
    assert all(vocabulary.class_names[label] == word for word, label in vocabulary.label_of.items())


def test_a_choice_keeps_its_order_and_leaves_the_rest_out():
    assert make_vocabulary(["happy", "bed"], "v0.01").label_of == {"happy": 0, "bed": 1}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("papr", "did you mean 'paper'"),
        (("bed", "catt"), "did you mean 'cat'"),
        (("bed", "learn"), "words='learn' is unknown"),
        (("bed", "bed"), "each once"),
        (("bed",), "at least two words"),
        ((), "at least two words"),
    ],
)
def test_other_words_are_refused(words, says):
    with pytest.raises(ValueError, match=says):
        make_vocabulary(words, "v0.01")


def test_the_twin_can_say_every_word():
    assert set(PRONUNCIATION) == set(VERSIONS["v0.02"])
