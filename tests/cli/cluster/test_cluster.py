"""serve, join and keys without Flower: what they refuse, which commands they start, and who ends them."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from minizerofl.fl import ConfigError, Settings
from minizerofl.fl.measures.costs import Macs
from minizerofl_cli.cluster import flower
from minizerofl_cli.cluster.devices import DevicesDataset, PrivateDataset, check_device, describe_devices
from minizerofl_cli.cluster.flower import SuperLink, supernode_command
from minizerofl_cli.cluster.planning import expect, planned
from minizerofl_cli.cluster.serving import check_settings
from minizerofl_cli.cluster.trust import Trust, check_trust
from minizerofl_cli.runs.estimate import Trial
from minizerofl_cli.runs.plan import Plan
from minizerofl_datasets import DataError, load


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve"], "give --tls-dir FOLDER"),
        (["serve", "--insecure", "--host", "0.0.0.0"], "--insecure is for this machine alone"),
        (["serve", "--insecure", "--tls-dir", "nowhere"], "exclude each other"),
        (["serve", "--tls-dir", "nowhere"], "nowhere is not a folder"),
        (["serve", "--insecure", "--resume", "nowhere"], "does not exist"),
        (["join", "--insecure", "server.example:8000"], "--insecure is for this machine alone"),
        (["join", "--insecure", "localhost"], "expected HOST:PORT"),
        (["join", "--insecure", "localhost:99999"], "expected HOST:PORT"),
        (["keys", "new", "here", "--node", "../up"], "cannot be the name of a folder"),
    ],
)
def test_what_cannot_be_meant_is_refused(invoke, arguments, said, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.40.0")
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize(
    "arguments", [["serve", "--insecure"], ["join", "--insecure", "localhost:8000"], ["keys", "new", "x"]]
)
def test_without_the_extra_its_name_is_told(invoke, arguments, tmp_path):
    # Python of another folder of packages: nothing named flwr is found there.
    code = (
        "import importlib.metadata as m; old = m.version\n"
        "def version(name):\n"
        "    if name == 'flwr': raise m.PackageNotFoundError(name)\n"
        "    return old(name)\n"
        "m.version = version\n"
        "from minizerofl_cli.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'minizerofl[flower]'" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", ["1.33.0", "1.43.1", "2.0"])
def test_a_flower_of_another_age_is_refused(version, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    with pytest.raises(ConfigError, match=r"works with 1\.34 to 1\.42"):
        flower.flower_version("serve")


@pytest.mark.parametrize("version", [(1, 34), (1, 36), (1, 38), (1, 42)])
def test_nodes_connect_to_the_port_that_was_asked_for(version):
    command, control = SuperLink(version, "0.0.0.0", 8123).command(Trust())
    told = dict(pairwise(command))
    fleet = told["--fleet-api-address"] if version < (1, 40) else f"{told['--host']}:{told['--port']}"
    assert fleet == "0.0.0.0:8123"
    assert control.startswith("127.0.0.1:")
    assert (control == "127.0.0.1:8123") == (version >= (1, 40))
    node = supernode_command(version, "server:8123", Trust(), Path("desk.json"))
    assert node[node.index("--superlink") + 1] == "server:8123"
    assert ("--clientappio-api-address" in node) == (version < (1, 36))


def test_a_folder_of_keys_protects_both_ends(tmp_path):
    for name in ("ca.crt", "server.crt", "server.key"):
        (tmp_path / name).touch()
    trust = check_trust("0.0.0.0", tmp_path, insecure=False, forced=False)
    assert "--insecure" not in trust.server()
    assert "--enable-supernode-auth" not in trust.server()
    (tmp_path / "nodes" / "alice").mkdir(parents=True)
    (tmp_path / "nodes" / "alice" / "node.pub").touch()
    assert "--enable-supernode-auth" in trust.server()
    (tmp_path / "ca.crt").unlink()
    with pytest.raises(ConfigError, match=r"ca\.crt is missing"):
        trust.node()


def test_settings_that_let_clients_remember_are_refused():
    check_settings(Settings())
    with pytest.raises(ConfigError, match="bn local"):
        check_settings(Settings(bn="local"))
    with pytest.raises(ConfigError, match="topk-diff-feedback"):
        check_settings(Settings(uplink="topk-diff-feedback"))


GUARDED = """
import signal, subprocess, sys
guard = [sys.executable, "-m", "minizerofl_cli.cluster.guard", "log", "bash", "-c"]
subprocess.Popen([*guard, "setsid sleep 98765 & (trap '' TERM; exec sleep 98766) & sleep 98767"], stdin=subprocess.PIPE)
print("started", flush=True)
signal.pause()
"""


@pytest.mark.posix
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a guard find all that a program started")
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_who_started_it(machine, signum):
    with subprocess.Popen(
        [sys.executable, "-c", GUARDED],
        stdout=subprocess.PIPE,
        cwd=machine.folder,
        env={**os.environ, "MINIZEROFL_TEST_MARK": machine.mark},
    ) as starter:
        assert starter.stdout is not None
        starter.stdout.readline()
        machine.expect_running("sleep 9876", 3)
        starter.send_signal(signum)
    machine.expect_nothing_left()


def test_keys_are_made_once_and_secrets_are_for_their_owner(tmp_path, invoke):
    pytest.importorskip("cryptography")
    pytest.importorskip("flwr")
    folder = tmp_path / "keys"
    result = invoke("keys", "new", folder, "--host", "192.0.2.7", "--node", "alice")
    assert result.exit_code == 0
    assert "192.0.2.7" in result.output
    for secret in ("ca.key", "server.key", "nodes/alice/node.key"):
        assert (folder / secret).stat().st_mode & 0o077 == 0
    ca = (folder / "ca.crt").read_bytes()
    assert invoke("keys", "new", folder, "--node", "bob").exit_code == 0
    assert (folder / "ca.crt").read_bytes() == ca == (folder / "nodes" / "bob" / "ca.crt").read_bytes()
    assert "is there already" in invoke("keys", "new", folder, "--node", "bob").output
    assert "has certificates already" in invoke("keys", "new", folder, "--host", "other").output


@pytest.fixture
def base():
    return load("femnist", source="synthetic", clients=2)


def test_the_server_of_devices_has_sizes_and_its_own_test_samples(base):
    data = DevicesDataset(base, {"bob": 5, "alice": 3})
    assert data.clients == ("alice", "bob")
    assert [data.num_train(client) for client in data.clients] == [3, 5]
    assert data.validation("bob")[1].size == 0
    assert (data.test()[0] == base.test()[0]).all()
    assert data.fingerprint() == DevicesDataset(base, {"carol": 9}).fingerprint()
    with pytest.raises(DataError, match="on the device alone"):
        data.train("bob")


def test_a_device_checks_that_its_samples_fit(base, tmp_path):
    told = {"class_names": ["a", "b"], "input_shape": [1, 4, 4], "formula": "x = stored value / 255"}
    file = tmp_path / "own.npz"
    x = np.full((6, 1, 4, 4), 255, np.uint8)
    np.savez(file, x=x, y=np.arange(6) % 2)
    device = PrivateDataset("me", file, ("a", "b"))
    check_device(device, told)
    assert device.num_train("me") == device.train("me")[1].size == 6
    assert device.train("me")[0].max() == 1.0
    for key, value, said in (
        ("input_shape", [1, 5, 5], "have shape"),
        ("formula", describe_devices(base)["formula"], "are used as"),
    ):
        with pytest.raises(DataError, match=said):
            check_device(device, {**told, key: value})
    with pytest.raises(DataError, match="its classes"):
        PrivateDataset("me", file, ("a",))
    np.savez(file, x=x, y=np.arange(6) % 2, class_names=["b", "a"])
    with pytest.raises(DataError, match="its classes"):
        PrivateDataset("me", file, ("a", "b"))


TRIAL = Trial(0.1, Macs(), 1_000_000, 4_000_000, 0.0, 0.001, 100, (100,))


def plan(workers: int = 1, **settings: object) -> Plan:
    chosen = Settings(**{"clients_per_round": 8, "batch_size": 10, "validation_samples": 0, **settings})
    return Plan("femnist", "auto", None, "ink", 0, None, "quick", chosen, workers=workers, runs_dir=Path("runs"))


def test_more_nodes_train_faster_and_take_more_of_the_network():
    costs = [expect(TRIAL, plan(), nodes, link=100) for nodes in (1, 2, 4, 8)]
    assert [round(cost.training, 6) for cost in costs] == [8.0, 4.0, 2.0, 1.0]
    assert [cost.sent for cost in costs] == [4e6, 8e6, 16e6, 32e6]
    assert all(cost.received == 8e6 for cost in costs)
    assert costs[0].network == pytest.approx(8 * 12e6 / 100e6)
    assert expect(TRIAL, plan(workers=4), 1, link=100).training == 2.0
    assert replace(costs[0], network=99.0).limit == "network"
    lines = list(planned(100)(plan(), TRIAL))
    assert [line.split()[0] for line in lines[3:]] == ["1", "2", "4", "8"]
    assert max(map(len, lines)) <= 80
