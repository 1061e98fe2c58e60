"""The features against their definition in float64, written out without a single function of the fast path."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minizerofl_datasets.speech_commands.features import FEATURES, cepstrum, envelope, log_mel, mfcc, power_of, scale
from minizerofl_datasets.speech_commands.spectrum import fit_length, mel_power


def edge(number: int, bands: int = 32) -> float:
    """The frequency of the mel scale's n-th of bands + 2 even steps."""
    return 700 * (10 ** (number * math.log10(1 + 8000 / 700) / (bands + 1)) - 1)


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


def all_energies(wave: np.ndarray, bands: int) -> np.ndarray:
    """All entries (bands, 32) in float64: the Fourier transform as a matrix, the filters bin by bin."""
    at = np.arange(2048)
    padded = np.concatenate([np.zeros(1024), wave, np.zeros(1024)])
    frames = np.stack([padded[512 * t : 512 * t + 2048] * np.sin(np.pi * at / 2048) ** 2 for t in range(32)], axis=1)
    spectrum = np.exp(-2j * np.pi / 2048 * (np.arange(1025)[:, None] * at % 2048)) @ frames  # -> (1025, 32)
    filters = np.zeros((bands, 1025))
    for band in range(bands):
        low, middle, high = (edge(band + step, bands) for step in range(3))
        for bin_ in range(1025):
            frequency = bin_ * 7.8125
            if low < frequency <= middle:
                filters[band, bin_] = (frequency - low) / (middle - low)
            elif middle < frequency < high:
                filters[band, bin_] = (high - frequency) / (high - middle)
    return filters @ np.abs(spectrum) ** 2


def test_mfcc_agree_with_the_definition(wave):
    """Energies in 128 bands, decibels below the loudest, and the orthonormal DCT-II, every sum written out."""
    wave = np.where(np.arange(16_000) < 12_000, wave, 0)
    power = all_energies(wave, 128)
    decibels = 10 * np.log10(np.maximum(power / power.max(), 1e-8))
    assert (decibels == -80).any()  # The floor matters.
    expected = np.zeros((32, 32))
    for k in range(32):
        for m in range(128):
            expected[k] += math.cos(math.pi * k * (2 * m + 1) / 256) * (2 + decibels[m] / 20)
        expected[k] *= math.sqrt((1 if k == 0 else 2) / 128)
    expected[0] /= math.sqrt(128)
    np.testing.assert_allclose(mfcc(wave.astype(np.float32)[None])[0], expected, atol=2e-3)


@settings(max_examples=10)
@given(st.integers(1, 3), st.integers(0, 2**32), st.floats(1e-3, 1e3))
def test_mfcc_do_not_depend_on_loudness_or_neighbours(n, seed, gain):
    waves = np.random.default_rng(seed).standard_normal((n, 16_000), dtype=np.float32)
    x = mfcc(waves)
    assert (x.shape, x.dtype) == ((n, 32, 32), np.float32)
    np.testing.assert_allclose(mfcc(waves * np.float32(gain)), x, atol=5e-3)
    np.testing.assert_array_equal(mfcc(waves[:1]), x[:1])


@given(st.integers(0, 2**32), st.integers(1, 3))
def test_the_cepstrum_of_an_envelope_is_where_it_came_from(seed, frames):
    x = np.random.default_rng(seed).uniform(-2, 2, (2, 32, frames)).astype(np.float32)
    np.testing.assert_allclose(cepstrum(envelope(x)), x, atol=1e-5)


def test_an_envelope_is_a_smooth_spectrum():
    """What 32 cosines can draw comes back; a single band out of line is smoothed away."""
    m = np.arange(128)
    smooth = np.exp(-(((m - 64) / 12) ** 2)).astype(np.float32)[:, None]
    np.testing.assert_allclose(envelope(cepstrum(smooth)), smooth, atol=1e-4)
    spike = np.zeros((128, 1), np.float32)
    spike[60] = 1
    assert 0.2 < envelope(cepstrum(spike))[60, 0] < 0.3  # 32 of 128 cosines


@pytest.mark.parametrize("name", FEATURES)
def test_digital_silence_is_the_same_in_every_frame(name):
    kind = FEATURES[name]
    x = kind.of_waves(np.zeros((2, 16_000), np.float32))
    np.testing.assert_array_equal(x, np.broadcast_to(kind.silence, (2, 32, 32)))
    np.testing.assert_array_equal(kind.silence.astype(np.float16), kind.silence)  # the cache holds float16


def test_digital_silence_is_the_lowest_value():
    assert (FEATURES["log-mel"].silence == -2).all()
    assert FEATURES["mfcc"].silence[:, 0].tolist() == [-2] + [0] * 31


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
