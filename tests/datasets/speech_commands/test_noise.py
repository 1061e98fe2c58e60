"""Augmentation: from a generator alone, clips keep their form, and adding energies is like adding waves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl_datasets.speech_commands.features import log_mel, mel_power
from minizerofl_datasets.speech_commands.noise import LATEST, add_noise, shift

seeds = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    """Tones that come and go."""
    time = np.arange(16_000) / 16_000
    pitch = np.array([300, 800, 2000, 4000])[:, None]
    waves = np.sin(2 * np.pi * pitch * time) * np.exp(-(((time - 0.5) / 0.1) ** 2))
    return log_mel(waves.astype(np.float32))[:, None]


@pytest.fixture(scope="module")
def recordings() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [mel_power(rng.standard_normal((1, 40_000), dtype=np.float32))[0] for _ in range(2)]


@given(seeds)
def test_a_seed_decides_everything_and_the_clips_stay(clips, recordings, seed):
    before = clips.copy()
    once, again = (
        add_noise(shift(clips, rng), recordings, rng) for rng in (np.random.default_rng(seed) for _ in range(2))
    )
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(clips, before)
    assert (once.shape, once.dtype) == (clips.shape, np.float32)
    assert once.min() >= -2
    assert (once.max(axis=(1, 2, 3)) == 2).all()


@settings(max_examples=10)
@given(seeds)
def test_a_shift_moves_the_whole_clip_and_lets_silence_in(seed):
    x = np.random.default_rng(1).uniform(-1, 2, (50, 1, 32, 32)).astype(np.float32)
    moved = shift(x, np.random.default_rng(seed))
    padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (LATEST, LATEST)), constant_values=-2)
    for clip, options in zip(moved, padded, strict=True):
        assert any((clip == options[..., start : start + 32]).all() for start in range(2 * LATEST + 1))
    assert len({tuple(row) for row in (moved == -2).all(axis=(1, 2)).tolist()}) > 3


def test_the_share_and_the_level_of_noise(clips, recordings):
    many = np.repeat(clips[:1], 1000, axis=0)
    noisy = add_noise(many, recordings, np.random.default_rng(0))
    touched = (noisy != many).any(axis=(1, 2, 3))
    assert abs(touched.mean() - 0.8) < 0.04
    energy, before = (np.power(10.0, 2 * x - 4).mean(axis=(1, 2, 3)) for x in (noisy[touched], many[touched]))
    ratio = -10 * np.log10(energy / before - 1)  # the loudest entry hardly grows, so energies can be compared
    assert 4 < ratio.min() < 8
    assert 27 < ratio.max() < 31


def test_adding_energies_is_like_adding_waves(clips, recordings):
    """On average over the phases: both ways to put noise behind a tone, at the same ratio of energies."""
    rng = np.random.default_rng(2)
    time = np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * 800 * time) * np.exp(-(((time - 0.5) / 0.1) ** 2))
    noise = rng.standard_normal((30, 16_000))
    power = [mel_power(wave.astype(np.float32)) for wave in (tone[None], noise)]
    gain = np.sqrt(power[0].mean() / power[1].mean() / 10)  # 10 dB
    by_waves = log_mel((tone + gain * noise).astype(np.float32)).mean(axis=0)
    total = power[0][0] + gain**2 * power[1].mean(axis=0)
    by_energies = 2 + np.log10(total / total.max()) / 2
    assert np.abs(by_waves - by_energies).mean() < 0.06  # 1.2 dB


def test_silence_becomes_the_noise(recordings):
    silence = np.full((200, 1, 32, 32), -2, np.float32)
    noisy = add_noise(silence, recordings, np.random.default_rng(0))
    spoken = noisy.max(axis=(1, 2, 3)) == 2
    assert 0.7 < spoken.mean() < 0.9
    assert (noisy[~spoken] == -2).all()
    assert noisy[spoken].mean() > 0.5  # white noise has no quiet band


def test_without_recordings_nothing_is_added(clips):
    out = add_noise(clips, [], np.random.default_rng(0))
    np.testing.assert_array_equal(out, clips)
    assert out is not clips
