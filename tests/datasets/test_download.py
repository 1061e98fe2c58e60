"""Downloads from a real HTTP server on loopback: honest, truncated, tampered, hostile, failing, and two at once."""

import hashlib
import io
import signal
import subprocess
import sys
import tarfile
import threading
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import numpy as np
import pytest

from minizerofl_datasets import DataError, fetch, load
from minizerofl_datasets.download import DownloadError, download, fetch_archive
from minizerofl_datasets.official import OFFICIAL, OfficialArchive

NOISE = np.random.default_rng(0).bytes(300_000)


def tar_of(entries):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


class Server(ThreadingHTTPServer):
    """Serves ``files``; the first answers may be spoilt: a number is a status, a word is a way to misbehave."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.spoil, self.requests = {}, [], []
        self.sent, self.closing = 0, threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        spoil = self.server.spoil.pop(0) if self.server.spoil else None
        content = self.server.files.get(self.path)
        if content is None or isinstance(spoil, int):
            self.send_error(spoil or 404)
            return
        if spoil == "slow headers":
            self.drip(b"HTTP/1.0 200 OK\r\n" + b"X-More: yes\r\n" * 1000)
            return
        self.send_response(200)
        if spoil == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif spoil not in ("endless", "slow"):
            self.send_header("Content-Length", str(10**15 if spoil == "huge" else len(content)))
        self.end_headers()
        if spoil == "endless":
            self.go_on(bytes(100_000))
        elif spoil == "chunked":
            self.go_on(b"1000\r\n" + bytes(0x1000) + b"\r\n")
        elif spoil == "slow":
            self.drip(content)
        elif spoil == "silent":
            self.wfile.write(content[:1000])
            self.server.closing.wait(30)
        else:
            self.wfile.write(content[: len(content) // 2] if spoil == "cut" else content)

    def drip(self, content):
        for at in range(len(content)):
            self.go_on(content[at : at + 1], times=1)
            if self.server.closing.wait(0.05):
                return

    def go_on(self, block, times=1000):
        """Send a block again and again, as long as somebody listens."""
        with suppress(OSError):
            for _ in range(times):
                self.wfile.write(block)
                self.server.sent += len(block)
                if self.server.closing.is_set():
                    return

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def served(server):
    """A small archive on the server, and what is known of it."""
    content = tar_of({"set/a.bin": NOISE, "set/b.bin": b"b"})
    server.files["/set.tar.gz"] = content
    return OfficialArchive(
        url=f"{server.url}/set.tar.gz",
        sha256=hashlib.sha256(content).hexdigest(),
        folder="some-set",
        inside="set",
        holds=("a.bin", "b.bin"),
        max_bytes=1_000_000,
    )


def nothing_is_left(cache):
    return not [path for path in cache.rglob("*") if path.is_file()] and not list(cache.rglob(".partial-*"))


def test_an_archive_is_fetched_once(server, served, cache):
    seen = []
    folder = fetch_archive(served, progress=lambda done, total: seen.append((done, total)))
    assert folder == cache / "data" / "some-set"
    assert (folder / "a.bin").read_bytes() == NOISE
    size = len(server.files["/set.tar.gz"])
    assert seen[-1] == (size, size)
    assert list((cache / "data").iterdir()) == [folder]  # neither the archive nor scratch
    assert fetch_archive(served) == folder
    assert len(server.requests) == 1


def test_a_set_that_lost_a_file_is_fetched_anew(server, served):
    folder = fetch_archive(served)
    (folder / "b.bin").unlink()
    assert (fetch_archive(served) / "b.bin").read_bytes() == b"b"


@pytest.mark.parametrize("spoil", [["cut"], [503], ["cut", 500]])
def test_a_failed_download_is_begun_again(server, served, spoil):
    server.spoil = list(spoil)
    assert (fetch_archive(served) / "a.bin").read_bytes() == NOISE
    assert len(server.requests) == 1 + len(spoil)


def test_the_progress_of_a_second_attempt_begins_at_nothing(server, served):
    content = server.files["/set.tar.gz"] = tar_of({"set/a.bin": 14 * NOISE, "set/b.bin": b"b"})
    server.spoil = ["cut"]
    seen = []
    archive = replace(served, sha256=hashlib.sha256(content).hexdigest(), max_bytes=10_000_000)
    fetch_archive(archive, progress=lambda done, total: seen.append(done))
    assert sum(later < earlier for earlier, later in pairwise(seen)) == 1
    assert seen[-1] == len(content)


@pytest.mark.parametrize("spoil", ["cut", 503, 404])
def test_a_server_that_keeps_failing_is_an_error_of_the_network(server, served, cache, spoil):
    server.spoil = [spoil] * 2
    with pytest.raises(DownloadError, match="the download failed") as error:
        fetch_archive(served, retries=0)
    assert "\n" not in str(error.value)
    assert error.value.errno is None
    assert nothing_is_left(cache)


@pytest.mark.parametrize("spoil", ["endless", "chunked", "huge"])
def test_a_server_that_sends_more_than_the_archive_can_have_fills_no_disk(server, served, cache, spoil):
    server.spoil = [spoil] * 3
    with pytest.raises(DataError, match="sends more than 1,000,000 bytes") as error:
        fetch_archive(served)
    assert "\n" not in str(error.value)
    assert len(server.requests) == 1
    assert server.sent < 50_000_000
    assert nothing_is_left(cache)


@pytest.mark.long
@pytest.mark.parametrize("spoil", ["slow", "slow headers", "silent"])
def test_a_server_that_is_too_slow_is_given_up(server, served, tmp_path, spoil):
    server.spoil = [spoil] * 2
    with pytest.raises(DownloadError, match=r"(it is too slow: [\d,]+ bytes in 1 seconds|timed out)") as error:
        download(served, tmp_path, retries=1, patience=1)
    assert "\n" not in str(error.value)
    assert len(server.requests) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.posix
def test_a_slow_download_can_be_interrupted(server, served, cache):
    server.spoil = ["slow"]
    process = subprocess.Popen([sys.executable, "-c", FETCH, served.url, served.sha256], stderr=subprocess.PIPE)
    while not server.sent:
        assert process.poll() is None
        server.closing.wait(0.05)
    process.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in process.communicate(timeout=20)[1]
    assert nothing_is_left(cache)


def test_no_server_at_all(served, cache):
    with pytest.raises(DownloadError, match="the download failed"):
        fetch_archive(served, source="http://127.0.0.1:9/set.tar.gz", retries=0)
    assert nothing_is_left(cache)


@pytest.mark.parametrize("damage", ["truncated", "tampered", "empty"])
def test_what_has_not_the_checksum_is_never_used(server, served, cache, damage):
    content = server.files["/set.tar.gz"]
    spoilt = bytearray(content)
    spoilt[len(content) // 2] ^= 1
    server.files["/set.tar.gz"] = {"truncated": content[:-100], "tampered": bytes(spoilt), "empty": b""}[damage]
    with pytest.raises(DataError, match="does not have the checksum") as error:
        fetch_archive(served, retries=0)
    assert "\n" not in str(error.value)
    assert nothing_is_left(cache)


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"set/a.bin": b"a", "../../../escaped": b"x"}, "outside of its folder"),
        ({"set/a.bin": bytes(2_000_000), "set/b.bin": b""}, "more than 1,000,000 bytes"),
        ({"set/a.bin": b"a"}, "does not hold a.bin, b.bin"),
        ({"other/a.bin": b"a", "other/b.bin": b"b"}, "does not hold a.bin, b.bin"),
    ],
)
def test_a_hostile_archive_leaves_nothing_even_if_its_checksum_is_right(server, served, cache, entries, says):
    content = tar_of(entries)
    server.files["/set.tar.gz"] = content
    with pytest.raises(DataError, match=says):
        fetch_archive(replace(served, sha256=hashlib.sha256(content).hexdigest()))
    assert nothing_is_left(cache)
    assert not list(cache.parent.rglob("escaped"))


def test_a_mirror_and_a_file_must_be_the_official_archive(server, served, tmp_path):
    server.files["/mirror/other-name"] = server.files["/set.tar.gz"]
    fetch_archive(served, source=f"{server.url}/mirror/other-name")
    assert server.requests == ["/mirror/other-name"]
    archive = tmp_path / "mine.tar.gz"
    archive.write_bytes(server.files["/set.tar.gz"])
    assert (fetch_archive(replace(served, folder="again"), source=archive) / "b.bin").is_file()
    assert archive.is_file()
    archive.write_bytes(server.files["/set.tar.gz"] + b"\0")
    with pytest.raises(DataError, match=r"is not set\.tar\.gz"):
        fetch_archive(replace(served, folder="third"), source=archive)
    with pytest.raises(DataError, match="does not exist"):
        fetch_archive(replace(served, folder="third"), source=tmp_path / "nothing")


def test_an_archive_without_a_published_checksum_is_the_first_one_for_ever(server, served, tmp_path, cache):
    unknown = replace(served, sha256=None)
    path = download(unknown, tmp_path / "first")
    assert path.read_bytes() == server.files["/set.tar.gz"]
    assert served.sha256 in (cache / "checksums.json").read_text()
    download(unknown, tmp_path / "again")
    server.files["/set.tar.gz"] += b"changed"
    with pytest.raises(DataError, match=rf"is not the set\.tar\.gz that was used first.*recorded is {served.sha256}"):
        download(unknown, tmp_path / "changed")
    assert list((tmp_path / "changed").iterdir()) == []
    (cache / "checksums.json").unlink()
    download(unknown, tmp_path / "changed")
    (cache / "checksums.json").write_text("[")
    with pytest.raises(DataError, match=r"checksums\.json: is damaged; remove it"):
        download(unknown, tmp_path / "damaged")


FETCH = """
import sys
from minizerofl_datasets.download import fetch_archive
from minizerofl_datasets.official import OfficialArchive
url, sha256 = sys.argv[1:]
print(fetch_archive(OfficialArchive(url, sha256, "some-set", "set", ("a.bin", "b.bin"), 1_000_000)))
"""


def test_two_processes_at_once(served, cache):
    command = [sys.executable, "-c", FETCH, served.url, served.sha256]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out.strip(), err) == (0, str(cache / "data" / "some-set"), "")
    assert (cache / "data/some-set/a.bin").read_bytes() == NOISE
    assert list((cache / "data").iterdir()) == [cache / "data/some-set"]


def _no_large_files():
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.posix
def test_a_disk_that_fills_up_leaves_nothing(served, cache):
    """A limit on the size of files stands in for a full disk: a write fails with an error of the system."""
    command = [sys.executable, "-c", FETCH, served.url, served.sha256]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=_no_large_files, check=False)
    assert "OSError: [Errno 27] File too large" in done.stderr.splitlines()[-1]
    assert nothing_is_left(cache)


def test_cifar10_from_the_archive_to_a_client(monkeypatch, tmp_path):
    """The whole way, with the official names: a file fetched into the cache is what load() then finds."""
    monkeypatch.delenv("MINIZEROFL_DATA", raising=False)
    batch = bytes(3073 * 10_000)
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    content = tar_of({f"cifar-10-batches-bin/{name}.bin": batch for name in names})
    archive = replace(OFFICIAL["cifar10"]["binary"], sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(OFFICIAL["cifar10"], "binary", archive)
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(content)
    assert load("cifar10").source == "synthetic"
    fetch("cifar10", source=tmp_path / "cifar-10-binary.tar.gz")
    data = load("cifar10", num_clients=10)
    assert (data.source, data.num_train("client-0000")) == ("real", 4500)


def test_the_checksums_are_the_documented_ones():
    sums = {
        name: {variant: each.sha256[:8] for variant, each in OFFICIAL[name].items()}
        for name in OFFICIAL
        if name != "nist"
    }
    assert sums == {
        "cifar10": {"binary": "c4a38c50"},
        "speech_commands": {"v0.01": "74393542", "v0.02": "af14739e"},
        "femnist": {"tff": "fe1ed5a5"},
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [({"name": "nist"}, "is unknown"), ({"name": "speech_commands", "variant": "v0.1"}, "did you mean 'v0.01'")],
)
def test_unknown_names_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        fetch(**arguments)
