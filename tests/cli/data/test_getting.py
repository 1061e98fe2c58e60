"""Getting sets: from a real server on loopback, from a user's arrays, from archives in NIST's layout."""

import hashlib
import io
import os
import re
import subprocess
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click.testing
import numpy as np
import pytest
from PIL import Image

from minizerofl_cli.main import cli
from minizerofl_cli.screen.meter import Meter
from minizerofl_datasets.official import OFFICIAL


@pytest.fixture
def serve():
    """Serve one file on loopback; returns its address."""
    servers = []

    def start(content: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/archive.tar.gz"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def _cifar10(batches: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in [*(f"data_batch_{number}" for number in range(1, batches + 1)), "test_batch"]:
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            info.size = 3073 * 10_000
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return packed.getvalue()


def test_fetched_sets_are_found_by_every_command(serve, invoke, monkeypatch):
    content = _cifar10(5)
    archive = replace(OFFICIAL["cifar10"]["binary"], sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(OFFICIAL["cifar10"], "binary", archive)
    result = invoke("data", "fetch", "cifar10", "--from", serve(content))
    assert result.exit_code == 0, result.output
    assert result.output.startswith("cifar10: real data")
    assert re.search("cifar10 +binary files +184 MB", invoke("data", "list").output)
    assert invoke("data", "info", "cifar10", "--num-clients", 2).output.startswith("cifar10: real data")
    again = invoke("data", "fetch", "cifar10", "--from", "http://127.0.0.1:9/not-asked")
    assert again.exit_code == 0


def test_an_archive_that_is_not_the_official_one_is_refused(serve, invoke, tmp_path):
    result = invoke("data", "fetch", "cifar10", "--from", serve(b"not the archive"))
    assert result.exit_code == 3
    assert "checksum" in result.output
    assert "not here" in invoke("data", "list").output


def test_an_imported_set_is_known_to_every_command(invoke, tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    np.savez(tmp_path / "scans.npz", x=rng.integers(0, 256, (60, 8, 8), np.uint8), y=y, client=y.astype(str))
    result = invoke("data", "import", tmp_path / "scans.npz", "--name", "my-scans")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0].startswith("my-scans: imported data, ")
    assert re.search("^my-scans +imported +", invoke("data", "list").output, re.MULTILINE)
    assert "3 clients, 3 classes, input 1x8x8" in invoke("data", "info", "my-scans").output
    assert invoke("data", "preview", "my-scans", "-o", tmp_path / "sheet.png").exit_code == 0
    taken = invoke("data", "import", tmp_path / "scans.npz", "--name", "my-scans")
    assert (taken.exit_code, "taken" in taken.output) == (2, True)
    assert invoke("data", "import", tmp_path / "scans.npz", "--name", "my-scans", "--replace").exit_code == 0
    options = ("--clients-per-round", 2, "--rounds", 1, "--sparsity", 0.5, "--runs-dir", tmp_path / "runs")
    trained = invoke("train", "--dataset", "my-scans", "--num-clients", 3, *options)
    assert trained.exit_code == 0, trained.output
    (run,) = (tmp_path / "runs").glob("*-*")
    assert invoke("eval", run).exit_code == 0


def test_a_small_set_works_with_every_command(invoke, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    np.savez(tmp_path / "few.npz", x=x, y=np.arange(40) % 3 + 1)
    result = invoke("data", "import", tmp_path / "few.npz", "--name", "few")
    assert result.exit_code == 0, result.output
    assert "Note: 1 of 4 classes have no sample: 0." in result.output
    assert "3 clients, 4 classes" in invoke("data", "info", "few").output
    for command in ("preview", "partition"):
        assert invoke("data", command, "few", "-o", tmp_path / f"{command}.png").exit_code == 0


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n" + bytes(3000)])
@pytest.mark.parametrize("file", ["a.npz", "a.h5"])
def test_a_file_that_is_not_fit_is_refused_and_leaves_nothing(invoke, tmp_path, file, content):
    (tmp_path / file).write_bytes(content)
    result = invoke("data", "import", tmp_path / file, "--name", "mine")
    assert result.exit_code == 3
    assert len(result.output.splitlines()) == 1
    assert "mine" not in invoke("data", "list").output
    assert not [path for path in (tmp_path / "no-cache").rglob("*") if path.name != "imported"]


def test_the_leaf_build(invoke, tmp_path):
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as classes, zipfile.ZipFile(tmp_path / "w.zip", "w") as writers:
        for writer in ("f0000_14", "f0001_41"):
            for number in range(12):
                pixels = np.random.default_rng([number, *writer.encode()]).integers(0, 2, (128, 128), np.uint8) * 255
                scan = io.BytesIO()
                Image.fromarray(pixels).save(scan, "PNG")
                classes.writestr(f"by_class/41/hsf_0/hsf_0_{writer}_{number:05}.png", scan.getvalue())
                writers.writestr(f"by_write/hsf_0/{writer}/c{writer}/c{writer}_{number:05}.png", scan.getvalue())
    archives = ("--by-class", tmp_path / "c.zip", "--by-write", tmp_path / "w.zip")
    result = invoke("data", "build", "femnist-leaf", *archives)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("femnist: real data")
    text = invoke("data", "info", "femnist", "--format", "leaf").output
    assert text.startswith("femnist: real data")
    assert "2 clients, 62 classes" in text
    assert "10 % of each writer's images for testing" in text
    assert re.search(r"all +20 +4\n", text)  # int(0.9 * 12) of each writer for training
    again = invoke("data", "build", "femnist-leaf", *archives)
    assert (again.exit_code, "exists already" in again.output) == (3, True)
    result = invoke("data", "build", "femnist-leaf", *archives, "--test-share", 0.25, "-o", tmp_path / "leaf")
    assert result.exit_code == 0, result.output
    text = invoke("data", "info", "femnist", "--data-dir", tmp_path / "leaf").output
    assert "25 % of each writer's images for testing" in text
    assert re.search(r"all +18 +6\n", text)
    for share in (0, 1, -0.1, "nan"):
        wrong = invoke("data", "build", "femnist-leaf", *archives, "--test-share", share, "-o", tmp_path / "wrong")
        assert wrong.exit_code == 2
        assert f"--test-share {float(share)}: expected 0 < value < 1" in wrong.output
    assert not (tmp_path / "wrong").exists()


def test_a_meter_begins_again_with_a_second_archive():
    lines: list[str] = []
    meter = Meter("Reading", lines.append, "pictures", patience=0)
    for done in (0, 5, 10, 2, 10):
        meter(done, 10)
    assert lines == [f"Reading: {share} % of 10 pictures" for share in (50, 100, 20, 100)]


def test_a_meter_without_a_total_and_one_that_is_quick():
    lines: list[str] = []
    meter = Meter("Reading", lines.append, patience=0)
    for done in (1_000_000, 51_000_000, 60_000_000, 101_000_000):
        meter(done, 0)
    assert lines == ["Reading: 51 MB", "Reading: 101 MB"]
    Meter("Reading", lines.append)(10, 10)
    assert len(lines) == 2


def test_an_imported_set_is_removed_after_asking(invoke, start, tmp_path):
    source = tmp_path / "few.npz"
    np.savez(source, x=np.zeros((40, 8, 8), np.uint8), y=np.arange(40) % 2)
    for name in ("one", "two"):
        assert invoke("data", "import", source, "--name", name).exit_code == 0
    kept = Path(os.environ["MINIZEROFL_CACHE"]) / "imported"

    def answer(text: str) -> click.testing.Result:
        return click.testing.CliRunner().invoke(cli, ["data", "remove", "one"], input=text)

    assert "Nothing was removed." in answer("n\n").output
    unanswered = start("data", "remove", "one", stdin=subprocess.DEVNULL)
    _, error = unanswered.communicate()
    assert (unanswered.returncode, "--yes" in error) == (2, True), error
    assert sorted(path.name for path in kept.glob("*.h5")) == ["one.h5", "two.h5"]
    removed = answer("y\n")
    assert (removed.exit_code, "MB are free" in removed.output) == (0, True)
    assert invoke("data", "remove", "two", "--yes").exit_code == 0
    assert list(kept.glob("*.h5")) == []
    assert source.exists()


@pytest.mark.parametrize("name", ["femnist", "nothing", "../data/mine", "one.h5", ""])
def test_only_an_imported_set_is_removed(invoke, tmp_path, name):
    ours = tmp_path / "no-cache" / "data"
    ours.mkdir(parents=True)
    (ours / "mine.h5").write_text("")
    result = invoke("data", "remove", name, "--yes")
    assert (result.exit_code, len(result.output.splitlines())) == (2, 1)
    assert (ours / "mine.h5").exists()
