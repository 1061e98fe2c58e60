"""A WAV file is read to the sample, or refused in one line that says what it is."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minizerofl_datasets import DataError
from minizerofl_datasets.speech_commands.wav import read_wav

waves = arrays(np.int16, st.integers(1, 300), elements=st.integers(-(2**15), 2**15 - 1))


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def form(rate=16_000, channels=1, bits=16, kind=1) -> bytes:
    frame = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits))


@given(waves)
def test_what_was_written_is_read(wave):
    np.testing.assert_array_equal(read_wav(riff(form(), chunk(b"data", wave.tobytes())), "here"), wave)


@given(waves, st.binary(max_size=30))
def test_tags_are_passed_over(wave, tag):
    """Some of the real files carry an id3 or LIST chunk; scipy alone would warn."""
    content = riff(chunk(b"junk", tag), form(), chunk(b"data", wave.tobytes()), chunk(b"id3 ", tag))
    np.testing.assert_array_equal(read_wav(content, "here"), wave)


def test_a_file_cut_off_anywhere_is_refused(wav):
    whole = wav(np.arange(200, dtype=np.int16))
    for length in range(len(whole)):
        with pytest.raises(DataError, match=r"^bed/0\.wav: ") as error:
            read_wav(whole[:length], "bed/0.wav")
        assert "\n" not in str(error.value)


def test_a_size_that_lies_is_refused(wav):
    content = bytearray(wav(np.arange(200, dtype=np.int16)))
    content[40:44] = struct.pack("<I", 10_000)  # the data chunk's
    with pytest.raises(DataError, match="is cut short"):
        read_wav(bytes(content), "here")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (riff(form(rate=8000), chunk(b"data", bytes(8))), "is sampled at 8000 Hz, expected 16000 Hz"),
        (riff(form(channels=2), chunk(b"data", bytes(8))), "has 2 channels, expected 1"),
        (riff(form(bits=8), chunk(b"data", bytes(8))), "holds uint8 samples"),
        (riff(form(bits=32), chunk(b"data", bytes(8))), "holds int32 samples"),
        (riff(form(bits=32, kind=3), chunk(b"data", bytes(8))), "holds float32 samples"),
        (riff(form(kind=2), chunk(b"data", bytes(8))), "cannot be read as WAV"),
        (riff(form(channels=0), chunk(b"data", bytes(8))), "cannot be read as WAV"),
        (riff(chunk(b"fmt ", b""), chunk(b"data", bytes(8))), "cannot be read as WAV"),
        (riff(form(), chunk(b"data", b"")), "holds no samples"),
        (riff(form()), "no chunk b'data'"),
        (riff(chunk(b"data", bytes(8))), "no chunk b'fmt '"),
        (riff(), "no chunk"),
        (b"", "is not a WAV file"),
        (b"OggS" + bytes(100), "is not a WAV file"),
    ],
)
def test_other_files_are_refused(content, says):
    with pytest.raises(DataError, match=says) as error:
        read_wav(content, "bed/0.wav")
    assert str(error.value).startswith("bed/0.wav: ")
    assert "\n" not in str(error.value)


@given(st.binary(max_size=120))
def test_rubbish_is_a_data_error(rubbish):
    for content in (
        rubbish,
        riff(form(), chunk(b"data", rubbish)),
        riff(chunk(b"fmt ", rubbish), chunk(b"data", b"ab")),
    ):
        try:
            assert read_wav(content, "here").dtype == np.int16
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
