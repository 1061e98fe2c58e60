"""Folder and archive hold the same; what is truncated, hostile, renamed or in the wrong place is refused."""

import io
import os
import tarfile

import pytest

from minizerofl_datasets import DataError
from minizerofl_datasets.speech_commands.files import find_source
from minizerofl_datasets.speech_commands.sources import LARGEST, Archive, Folder

NAME = "speech_commands_v0.01"


def contents(source) -> dict[str, bytes]:
    return {recording.name: recording.content for recording in source.recordings()}


def test_folder_and_archive_hold_the_same(tmp_path, recordings, write_folder, write_archive):
    folder = Folder(write_folder(tmp_path / NAME, recordings), "v0.01")
    archive = Archive(write_archive(tmp_path / f"{NAME}.tar.gz", recordings), "v0.01")
    assert contents(folder) == contents(archive) == recordings


def test_positions_grow_to_the_size(tmp_path, recordings, write_folder, write_archive):
    folder = Folder(write_folder(tmp_path / NAME, recordings), "v0.01")
    archive = Archive(write_archive(tmp_path / f"{NAME}.tar.gz", recordings), "v0.01")
    for source in (folder, archive):
        positions = [recording.position for recording in source.recordings()]
        assert positions == sorted(positions)
        assert 0 < positions[-1] <= source.size
    assert [recording.position for recording in folder.recordings()][-1] == folder.size


@pytest.mark.parametrize("below", ["speech_commands", "."])
@pytest.mark.parametrize(
    ("place", "format"),
    [("speech_commands_v0.02", "folder"), ("speech_commands_v0.02.tar.gz", "archive"), (".", "folder")],
)
def test_the_set_is_found(tmp_path, recordings, write_folder, write_archive, below, place, format):
    files = {**recordings, "learn/012c8314_nohash_0.wav": recordings["bed/012c8314_nohash_0.wav"]}
    (write_archive if format == "archive" else write_folder)(tmp_path / below / place, files)
    for version in ("auto", "v0.02"):
        source = find_source(tmp_path, version)
        assert (source.format, source.version) == (format, "v0.02")
        assert contents(source) == files


def test_the_papers_version_and_the_unpacked_folder_go_first(tmp_path, recordings, write_folder, write_archive):
    write_archive(tmp_path / "speech_commands_v0.02.tar.gz", recordings)
    write_archive(tmp_path / f"{NAME}.tar.gz", recordings)
    assert (find_source(tmp_path).version, find_source(tmp_path).format) == ("v0.01", "archive")
    write_folder(tmp_path / NAME, recordings)
    assert (find_source(tmp_path).version, find_source(tmp_path).format) == ("v0.01", "folder")
    assert find_source(tmp_path, "v0.02").format == "archive"


def test_other_folders_are_not_taken_for_it(tmp_path):
    assert find_source(tmp_path) is None
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "picture.png").touch()
    assert find_source(tmp_path) is None
    (tmp_path / NAME).mkdir()
    with pytest.raises(DataError, match="holds no recordings"):
        find_source(tmp_path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bed/ffa76c4a.wav", "does not name its speaker"),
        ("bed/ffa76c4a_nohash_x.wav", "does not name its speaker"),
        ("bed/_nohash_0.wav", "does not name its speaker"),
        ("table/ffa76c4a_nohash_0.wav", "'table' is not a word"),
        ("learn/ffa76c4a_nohash_0.wav", "'learn' is not a word of Speech Commands v0.01"),
    ],
)
def test_a_recording_in_the_wrong_place_is_refused(tmp_path, recordings, write_folder, write_archive, name, says):
    files = {**recordings, name: b"RIFF"}
    with pytest.raises(DataError, match=says):
        Folder(write_folder(tmp_path / NAME, files), "v0.01")
    with pytest.raises(DataError, match=says):
        contents(Archive(write_archive(tmp_path / "a.tar.gz", files), "v0.01"))


def test_what_is_no_sound_is_passed_over(tmp_path, recordings, write_folder):
    extra = {"bed/notes.txt": b"", "bed/._ffa76c4a_nohash_0.wav": b"", "table/a.txt": b"", "LICENSE": b""}
    assert contents(Folder(write_folder(tmp_path, {**recordings, **extra}), "v0.01")) == recordings


def test_an_archive_cut_off_anywhere_is_refused(tmp_path, recordings, write_archive):
    few = dict(list(recordings.items())[:3])
    path = write_archive(tmp_path / f"{NAME}.tar.gz", few)
    whole = path.read_bytes()
    for length in [0, 1, 9, 20, *range(100, len(whole), len(whole) // 40), *range(len(whole) - 12, len(whole))]:
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"v0\.01\.tar\.gz: (cannot be unpacked|is not an archive)") as error:
            contents(Archive(path, "v0.01"))
        assert "\n" not in str(error.value)


def test_a_changed_byte_is_refused(tmp_path, recordings, write_archive):
    path = write_archive(tmp_path / f"{NAME}.tar.gz", dict(list(recordings.items())[:3]))
    whole = bytearray(path.read_bytes())
    for at in range(100, len(whole), len(whole) // 20):  # behind the header, which names the file
        changed = whole.copy()
        changed[at] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(DataError):
            contents(Archive(path, "v0.01"))


def hostile(kind: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo({"parent": "../bed/a_nohash_0.wav", "root": "/bed/a_nohash_0.wav"}.get(kind, "bed/a.wav"))
    if kind in ("symbolic", "hard"):
        member.type = tarfile.SYMTYPE if kind == "symbolic" else tarfile.LNKTYPE
        member.linkname = "/etc/passwd"
    return member


@pytest.mark.parametrize("kind", ["parent", "root", "symbolic", "hard"])
def test_a_hostile_archive_is_refused(tmp_path, kind):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(hostile(kind), io.BytesIO())
    with pytest.raises(DataError, match=r"(outside of its folder|a link or a device); do not trust it"):
        contents(Archive(path, "v0.01"))


def test_a_huge_recording_is_refused(tmp_path, recordings, write_folder):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("bed/a_nohash_0.wav")
        member.size = 2**40  # declared; nothing follows
        archive.addfile(member)
    with pytest.raises(DataError, match="holds more than 9,000,000,000 bytes"):
        contents(Archive(path, "v0.01"))
    folder = write_folder(tmp_path / NAME, recordings)
    with (folder / "bed" / "012c8314_nohash_0.wav").open("r+b") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(DataError, match="too many"):
        contents(Folder(folder, "v0.01"))


def test_a_sound_in_capitals_is_a_sound(tmp_path, recordings, write_folder, write_archive):
    capitals = {name.replace(".wav", ".WAV"): content for name, content in recordings.items()}
    assert contents(Folder(write_folder(tmp_path / NAME, capitals), "v0.01")) == capitals
    assert contents(Archive(write_archive(tmp_path / "a.tar.gz", capitals), "v0.01")) == capitals


@pytest.mark.posix
def test_a_pipe_among_the_recordings_is_refused(tmp_path, recordings, write_folder):
    folder = write_folder(tmp_path / NAME, recordings)
    os.mkfifo(folder / "bed" / "ffffffff_nohash_0.wav")
    with pytest.raises(DataError, match=r"ffffffff_nohash_0\.wav' is not a plain file"):
        Folder(folder, "v0.01")


def test_an_archive_of_something_else_is_refused(tmp_path, write_archive):
    with pytest.raises(DataError, match="holds no recordings"):
        contents(Archive(write_archive(tmp_path / "a.tar.gz", {"words.txt": b"yes"}), "v0.01"))


def test_the_fingerprint_follows_the_files(tmp_path, recordings, write_folder, write_archive):
    folder, path = write_folder(tmp_path / NAME, recordings), write_archive(tmp_path / f"{NAME}.tar.gz", recordings)
    clip = folder / "bed" / "012c8314_nohash_0.wav"
    for source, changes in (
        (lambda: Folder(folder, "v0.01"), [lambda: os.utime(clip, (0, 0)), clip.unlink]),
        (lambda: Archive(path, "v0.01"), [lambda: os.utime(path, (0, 0)), lambda: write_archive(path, {})]),
    ):
        seen = {source().fingerprint(), source().fingerprint()}
        assert len(seen) == 1
        for change in changes:
            change()
            seen.add(source().fingerprint())
        assert len(seen) == 3
