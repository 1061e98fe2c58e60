"""The split rule gives the official lists' answer."""

import numpy as np
import pytest

from minizerofl_datasets.speech_commands.speakers import speaker_of, split_of

# The first speakers of "cat" in the lists that come with the set.
TESTING = """2aa787cf ffa76c4a 24ad3ebe d7467392 5828dfa2 91223b83 f0ae7203 95ba4996 94de6a6a caf9fceb 82b99576 81dc4a94
e41a903b a1533da4 50033893 20d3f11f ef2a3cfb 37dca74f fce96bac 7bae88ed daf230ac 1b4c9b89 a4e8a997 e9901cf0 840c366d
4c7c95de d0faf7e4 a8e25ebb b83c1acf 2c6d3924 cc592808 fe1916ba b97c9f77 a2473d62 bb31b82b e71b4ce6 aa233654 105a0eea
8625475c c22d3f18 1f3bece8 b11a05d2 af130f12 e1469561 aa48c94a 4620dc14 135c6841 b737ee80"""
VALIDATION = """8b775397
2643992f 060cd039 f5e5e8b0 dbb40d24 d57febf0 16db1582 171b56dc 66cff190 22aa3665 b1426003 67c7fecb
d9ae8983 826268f8 61bcb275 f84762e5 27b9a84f aa753bb9 88f8a99c 6071a214 3903b558 105e72bb a6d586b7 4abefdf5 52bfbce8
7195ffa6 f34e6f44 d874a786 409c962a 1aed7c6d e54a0f16 90804775 cc6bae0d d197e3ae 099d52ad eee9b9e2 0ab3b47d db43cd03
b7016c27 5fadb538 7117fb6d"""


@pytest.mark.parametrize(("split", "listed"), [("test", TESTING), ("validation", VALIDATION)])
def test_the_rule_agrees_with_the_official_lists(split, listed):
    assert [split_of(speaker) for speaker in listed.split()] == [split] * len(listed.split())


def test_a_tenth_each_is_validation_and_test():
    splits = [split_of(f"{number:08x}") for number in range(20_000)]
    shares = [splits.count(split) / len(splits) for split in ("validation", "test", "train")]
    np.testing.assert_allclose(shares, [0.1, 0.1, 0.8], atol=0.01)


def test_the_speaker_is_the_name_up_to_the_hash_mark():
    assert speaker_of("happy/ffa76c4a_nohash_12.wav") == speaker_of("ffa76c4a_nohash_0.wav") == "ffa76c4a"
