"""Augmentation: from a generator alone, clips keep their form, and adding energies is like adding waves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl_datasets.speech_commands.features import FEATURES, log_mel, mfcc
from minizerofl_datasets.speech_commands.noise import MAX_SHIFT, add_noise, shift
from minizerofl_datasets.speech_commands.spectrum import mel_power

seeds = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def waves() -> np.ndarray:
    """Tones that come and go."""
    time = np.arange(16_000) / 16_000
    pitch = np.array([300, 800, 2000, 4000])[:, None]
    waves = np.sin(2 * np.pi * pitch * time) * np.exp(-(((time - 0.5) / 0.1) ** 2))
    return waves.astype(np.float32)


@pytest.fixture(scope="module")
def clips(waves) -> np.ndarray:
    return log_mel(waves)[:, None]


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
def test_mfcc_are_changed_like_log_mel(waves, seed):
    """The same draws, the same clips touched, the same shift; and nothing depends on a clip's neighbours."""
    hiss = np.random.default_rng(0).standard_normal((1, 40_000), dtype=np.float32)
    changed = {}
    for name, kind in FEATURES.items():
        x = kind.of_waves(waves)[:, None]
        before = x.copy()
        sounds = [mel_power(hiss, kind.bands)[0]]
        rng = np.random.default_rng(seed)
        moved = shift(x, rng, kind)
        out = add_noise(moved, sounds, rng, kind)
        np.testing.assert_array_equal(x, before)
        assert (out.shape, out.dtype) == (x.shape, np.float32)
        assert np.isfinite(out).all()
        quiet = (moved == kind.silence).all(axis=2)[:, 0]  # the frames of silence, (n, 32)
        changed[name] = (quiet.tolist(), (out != moved).any(axis=(1, 2, 3)).tolist(), rng.random())
    assert changed["mfcc"] == changed["log-mel"]


@settings(max_examples=10)
@given(seeds)
def test_a_shift_moves_the_whole_clip_and_lets_silence_in(seed):
    x = np.random.default_rng(1).uniform(-1, 2, (50, 1, 32, 32)).astype(np.float32)
    moved = shift(x, np.random.default_rng(seed))
    padded = np.pad(x, ((0, 0), (0, 0), (0, 0), (MAX_SHIFT, MAX_SHIFT)), constant_values=-2)
    for clip, options in zip(moved, padded, strict=True):
        assert any((clip == options[..., start : start + 32]).all() for start in range(2 * MAX_SHIFT + 1))
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


def test_noise_in_mfcc_is_like_adding_waves():
    """A vowel-like sound in white noise, 10 dB below it: MFCC of the sum of waves against the sum of envelopes."""
    rng = np.random.default_rng(3)
    time = np.arange(16_000) / 16_000
    vowel = sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 30)) * np.exp(-(((time - 0.5) / 0.15) ** 2))
    noise = rng.standard_normal((20, 16_000)).astype(np.float32)
    kind = FEATURES["mfcc"]
    power = [mel_power(each.astype(np.float32), 128) for each in (vowel[None], noise)]
    gain = np.sqrt(power[0].mean() / power[1].mean() / 10)
    by_waves = mfcc((vowel + gain * noise).astype(np.float32)).mean(axis=0)
    clip = kind.to_power(mfcc(vowel.astype(np.float32)[None]))
    level = clip.mean() / power[1].mean() / 10
    by_envelopes = np.mean([kind.from_power(clip + np.float32(level) * each[None])[0] for each in power[1]], axis=0)
    alone = mfcc(vowel.astype(np.float32)[None])[0]
    assert np.abs(by_waves - by_envelopes).mean() < 0.15 < 0.5 < np.abs(by_waves - alone).mean()


def test_silence_becomes_the_noise_in_mfcc_too():
    kind = FEATURES["mfcc"]
    hiss = mel_power(np.random.default_rng(0).standard_normal((1, 16_000), dtype=np.float32), 128)[0]
    silence = np.broadcast_to(kind.silence, (50, 1, 32, 32)).astype(np.float32)
    noisy = add_noise(silence, [hiss], np.random.default_rng(0), kind)
    spoken = (noisy != silence).any(axis=(1, 2, 3))
    assert 0.6 < spoken.mean() < 0.95
    for clip in noisy[spoken]:
        np.testing.assert_allclose(clip[0], kind.from_power(hiss[None])[0], atol=1e-6)


def test_without_recordings_nothing_is_added(clips):
    out = add_noise(clips, [], np.random.default_rng(0))
    np.testing.assert_array_equal(out, clips)
    assert out is not clips
