"""The feature cache: the same from folder and archive, built once, rebuilt when damaged, whole or not there."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from scipy.io import wavfile

from minizerofl_datasets import DataError
from minizerofl_datasets.speech_commands.features import FEATURES, log_mel
from minizerofl_datasets.speech_commands.sources import Archive, Folder
from minizerofl_datasets.speech_commands.spectrum import fit_length, mel_power
from minizerofl_datasets.speech_commands.store import SILENT, open_store

NAME = "speech_commands_v0.01"


@pytest.fixture
def folder(tmp_path, recordings, write_folder):
    return write_folder(tmp_path / NAME, recordings)


def test_it_holds_the_features_of_every_clip(folder, recordings):
    store = open_store(Folder(folder, "v0.01"))
    assert sorted(store.names) == sorted(name for name in recordings if not name.startswith("_"))
    assert (store.features.dtype, store.features.shape) == (np.float16, (len(store.names), 32, 32))
    for row in (0, 1, 17, len(store.names) - 1):
        wave = wavfile.read(BytesIO(recordings[store.names[row]]))[1]
        np.testing.assert_allclose(store.features[row], log_mel(fit_length(wave)[None])[0], atol=2e-3)


def test_noises_are_kept_as_energies(folder, recordings):
    store = open_store(Folder(folder, "v0.01"))
    hum = wavfile.read(BytesIO(recordings["_background_noise_/hum.wav"]))[1] / np.float32(2**15)
    assert [noise.shape for noise in store.noise] == [(32, 79)] * 2
    np.testing.assert_allclose(store.noise[0], mel_power(hum[None])[0], rtol=1e-4)


def test_an_archive_gives_the_same(tmp_path, folder, recordings, write_archive):
    one = open_store(Folder(folder, "v0.01"))
    other = open_store(Archive(write_archive(tmp_path / f"{NAME}.tar.gz", recordings), "v0.01"))
    order = [other.names.index(name) for name in one.names]
    np.testing.assert_array_equal(one.features, other.features[order])


def test_it_is_built_once_with_progress(folder, cache):
    seen = []
    source = Folder(folder, "v0.01")
    first = open_store(source, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert len(seen) > 1
    assert seen[-1] == (source.size, source.size)
    seen.clear()
    again = open_store(Folder(folder, "v0.01"), lambda done, total: seen.append((done, total)))
    assert not seen
    np.testing.assert_array_equal(first.features, again.features)
    assert len(list((cache / "features").iterdir())) == 1


def test_both_kinds_lie_side_by_side(folder, cache, recordings):
    """Each has its own file, and neither is taken for the other, in whichever order they are asked for."""
    stores = {name: open_store(Folder(folder, "v0.01"), features=name) for name in ("log-mel", "mfcc")}
    assert len(list((cache / "features").iterdir())) == 2
    for name, kind in FEATURES.items():
        again = open_store(Folder(folder, "v0.01"), lambda *step: pytest.fail("is built again"), name)
        np.testing.assert_array_equal(again.features, stores[name].features)
        wave = wavfile.read(BytesIO(recordings[again.names[5]]))[1]
        np.testing.assert_allclose(again.features[5], kind.of_waves(fit_length(wave)[None])[0], atol=1e-2)
        assert [noise.shape for noise in again.noise] == [(kind.bands, 79)] * 2
        np.testing.assert_array_equal(again.inputs(np.array([SILENT]))[0, 0], np.broadcast_to(kind.silence, (32, 32)))


def test_a_changed_folder_is_read_again(folder, recordings):
    before = open_store(Folder(folder, "v0.01"))
    (folder / "bed" / "012c8314_nohash_1.wav").unlink()
    after = open_store(Folder(folder, "v0.01"))
    assert len(after.names) == len(before.names) - 1


def test_one_changed_bit_loses_no_clip(folder, cache, recordings):
    """Names of clips and energies of noises are under the checksum too."""
    before = open_store(Folder(folder, "v0.01"))
    (path,) = (cache / "features").iterdir()
    whole = path.read_bytes()
    name = whole.index(before.names[3].encode())
    noise = whole.index(before.noise[1].tobytes())
    for place in (name, name + 5, noise, noise + 77):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        after = open_store(Folder(folder, "v0.01"))
        assert after.names == before.names
        np.testing.assert_array_equal(after.noise[1], before.noise[1])


@pytest.mark.parametrize("damage", ["truncated", "changed", "rubbish", "empty"])
def test_a_damaged_file_is_built_again(folder, cache, damage):
    before = np.array(open_store(Folder(folder, "v0.01")).features)
    (path,) = (cache / "features").iterdir()
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(
        {
            "truncated": whole[:half],
            "changed": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
            "rubbish": b"rubbish",
            "empty": b"",
        }[damage]
    )
    built = []
    after = open_store(Folder(folder, "v0.01"), lambda done, total: built.append(done))
    assert built
    np.testing.assert_array_equal(after.features, before)


@pytest.mark.parametrize("kind", ["8 kHz", "stereo", "cut off", "noise cut off"])
def test_a_bad_recording_leaves_nothing_behind(folder, cache, wav, kind):
    name = "_background_noise_/hum.wav" if "noise" in kind else "cat/012c8314_nohash_1.wav"
    content = {
        "8 kHz": wav(np.ones(8000, np.int16), 8000),
        "stereo": wav(np.ones((16_000, 2), np.int16)),
        "cut off": wav(np.ones(16_000, np.int16))[:9000],
        "noise cut off": wav(np.ones(16_000, np.int16))[:9000],
    }[kind]
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=name) as error:
        open_store(Folder(folder, "v0.01"))
    assert str(folder) in str(error.value)
    assert "\n" not in str(error.value)
    assert not [path for path in cache.rglob("*") if path.is_file()]


@pytest.mark.posix
def test_a_full_disk_is_one_clear_line(folder, cache):
    """A limit on the size of files stands in for a disk that is full."""
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from minizerofl_datasets import DataError\n"
        "from minizerofl_datasets.speech_commands.sources import Folder\n"
        "from minizerofl_datasets.speech_commands.store import open_store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: open_store(Folder(Path(sys.argv[1]), 'v0.01'))\n"
        "except DataError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1, done.stdout + done.stderr
    assert "the features cannot be written" in done.stdout
    assert "MINIZEROFL_CACHE" in done.stdout
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_two_processes_may_build_at_once(folder, cache):
    code = (
        "import sys; from pathlib import Path\n"
        "from minizerofl_datasets.speech_commands.sources import Folder\n"
        "from minizerofl_datasets.speech_commands.store import open_store\n"
        "print(open_store(Folder(Path(sys.argv[1]), 'v0.01')).features.astype(float).sum())\n"
    )
    run = [sys.executable, "-c", code, str(folder)]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: subprocess.run(run, capture_output=True, text=True, check=True), range(2)))
    assert done[0].stdout == done[1].stdout
    assert len(list((cache / "features").iterdir())) == 1


def test_noises_without_words_are_refused(tmp_path, recordings, write_folder):
    noises = {name: content for name, content in recordings.items() if name.startswith("_")}
    with pytest.raises(DataError, match="no words"):
        open_store(Folder(write_folder(tmp_path, noises), "v0.01"))


def test_inputs_are_new_arrays_and_silence_is_the_lowest_value(folder):
    store = open_store(Folder(folder, "v0.01"))
    x = store.inputs(np.array([3, SILENT, 3]))
    assert (x.shape, x.dtype) == ((3, 1, 32, 32), np.float32)
    assert (x[1] == -2).all()
    np.testing.assert_array_equal(x[0, 0], store.features[3])
    x[:] = 0
    assert store.inputs(np.array([3])).any()
