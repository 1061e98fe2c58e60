"""The features against their definition in float64, written out without a single function of the fast path."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl_datasets.speech_commands.features import fit_length, log_mel, mel_power, power_of, scale


def edge(number: int) -> float:
    """The frequency of the mel scale's n-th of 34 even steps."""
    return 700 * (10 ** (number * math.log10(1 + 8000 / 700) / 33) - 1)


def energy(wave: np.ndarray, band: int, frame: int) -> float:
    """One entry, by the sums of the definition."""
    at = np.arange(2048)
    place = 512 * frame - 1024 + at
    inside = (place >= 0) & (place < len(wave))
    signal = np.where(inside, wave[place.clip(0, len(wave) - 1)], 0.0) * np.sin(np.pi * at / 2048) ** 2
    total, low, middle, high = 0.0, edge(band), edge(band + 1), edge(band + 2)
    for bin_ in range(1025):
        frequency = bin_ * 7.8125
        if low < frequency < high:
            up = frequency <= middle
            weight = (frequency - low) / (middle - low) if up else (high - frequency) / (high - middle)
            total += weight * abs(np.sum(signal * np.exp(-2j * np.pi * at * bin_ / 2048))) ** 2
    return total


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    rng = np.random.default_rng(0)
    time = np.arange(16_000) / 16_000
    return np.sin(2 * np.pi * (300 + 900 * time) * time) * np.exp(-3 * time) + 0.01 * rng.standard_normal(16_000)


@pytest.mark.parametrize(("band", "frame"), [(0, 0), (5, 1), (12, 15), (20, 16), (31, 30), (16, 31), (1, 31)])
def test_energies_agree_with_the_definition(wave, band, frame):
    fast = mel_power(wave.astype(np.float32)[None])[0, band, frame]
    assert fast == pytest.approx(energy(wave, band, frame), rel=1e-3)


def test_scaling_agrees_with_the_definition(wave):
    power = mel_power(wave.astype(np.float32)[None])
    expected = np.clip(2 + 10 * np.log10(power.astype(np.float64) / power.max()) / 20, -2, None)
    np.testing.assert_allclose(log_mel(wave.astype(np.float32)[None]), expected, atol=1e-5)


@settings(max_examples=15)
@given(st.integers(1, 3), st.integers(0, 2**32), st.floats(1e-3, 1e3))
def test_loudness_does_not_matter(n, seed, gain):
    waves = np.random.default_rng(seed).standard_normal((n, 16_000), dtype=np.float32)
    x = log_mel(waves)
    assert (x.shape, x.dtype) == ((n, 32, 32), np.float32)
    assert x.max(axis=(1, 2)).tolist() == [2.0] * n
    assert x.min() >= -2
    np.testing.assert_allclose(log_mel(waves * np.float32(gain)), x, atol=1e-3)
    np.testing.assert_allclose(log_mel(waves[:1]), x[:1], atol=1e-5)  # a clip's neighbours do not matter either


def test_digital_silence_is_the_lowest_value_everywhere():
    assert (log_mel(np.zeros((2, 16_000), np.float32)) == -2).all()


@pytest.mark.parametrize("frequency", [250, 1000, 3000, 7000])
def test_a_tone_is_a_line_at_its_band(frequency):
    tone = np.sin(2 * np.pi * frequency * np.arange(16_000) / 16_000).astype(np.float32)
    band = int(log_mel(tone[None])[0, :, 16].argmax())
    assert edge(band) < frequency < edge(band + 2)


def test_a_click_is_a_line_at_its_frame():
    wave = np.zeros(16_000, np.float32)
    wave[512 * 9] = 1
    x = log_mel(wave[None])[0]
    assert set(x.argmax(axis=1)) == {9}
    assert (x[:, :7] == -2).all()
    assert (x[:, 12:] == -2).all()


@given(st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=50), st.integers(15_990, 16_010))
def test_a_clip_is_one_second(samples, length):
    short, long = np.array(samples, np.int16), np.resize(np.array(samples, np.int16), length)
    assert len(fit_length(short)) == len(fit_length(long)) == 16_000
    np.testing.assert_array_equal(fit_length(short)[: len(short)] * 2**15, short)
    assert not fit_length(short)[len(short) :].any()
    np.testing.assert_array_equal((fit_length(long) * 2**15)[: min(length, 16_000)], long[:16_000])


def test_energies_come_back():
    x = np.linspace(-1.9, 2, 1024, dtype=np.float32).reshape(1, 32, 32)
    np.testing.assert_allclose(scale(power_of(x)), x, atol=1e-5)
