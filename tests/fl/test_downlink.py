"""The downlink: clients decode what they were sent, nothing is lost, and damage is a client's fault."""

import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl import CODECS, UPLINKS, DivergedError, RefusedError, Simulation, TooFewClientsError
from minizerofl.fl.downlink import Downlink, encode_state
from minizerofl.fl.settings import Settings

Simulate = Callable[..., Simulation]


def model(seed: int, density: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((30, 40)) * (rng.random((30, 40)) < density)
    weight[0, :2] = -0.0, 1e-45
    return {"weight": weight.astype(np.float32), "bias": rng.standard_normal(40).astype(np.float32)}


@given(st.sampled_from(sorted(CODECS)), st.sampled_from([0.0, 0.1, 0.35, 0.97, 1.0]), st.integers(0, 2**32 - 1))
def test_clients_get_every_bit(codec: str, density: float, seed: int) -> None:
    state = model(seed, density)
    downlink = encode_state(state, ["weight"], Settings(downlink_codec=codec), round=1)
    back = downlink.state()
    assert list(back) == list(state)
    for name, value in state.items():
        assert back[name].tobytes() == value.tobytes()
        assert back[name].shape == value.shape
    if codec == "auto":
        others = (encode_state(state, ["weight"], Settings(downlink_codec=name), 1).message for name in CODECS)
        assert len(downlink.message) == min(map(len, others))


@given(st.sampled_from(sorted(CODECS)), st.sampled_from([0.0, 0.1, 0.35, 1.0]), st.booleans(), st.integers(0, 99))
def test_positions_that_clients_know_are_not_sent(codec: str, density: float, outside: bool, seed: int) -> None:
    state = model(seed, density)
    known = np.flatnonzero(state["weight"].view(np.int32)).astype(np.int32)[int(outside) :]  # with one left out, or all
    settings = Settings(downlink_codec=codec)
    plain = encode_state(state, ["weight"], settings, round=1)
    downlink = encode_state(state, ["weight"], settings, 1, {"weight": known})
    for name, value in state.items():
        assert downlink.state()[name].tobytes() == value.tobytes()
    if codec == "dense" or outside:
        assert len(downlink.message) == len(plain.message)
    else:
        assert len(downlink.message) == 20 + 2 * 12 + 4 * (known.size + 40)
        assert downlink.parts().positions == 0
    with pytest.raises(RefusedError, match="schema"):
        Downlink(downlink.message, plain.schema).state()


@pytest.mark.long
@pytest.mark.parametrize("uplink", ["full", "topk-weights", "diff-topk-weights", "topk-diff"])
@pytest.mark.parametrize("codec", CODECS)
def test_the_codec_changes_bytes_and_nothing_else(simulate: Simulate, uplink: str, codec: str) -> None:
    dense, other = (simulate(uplink=uplink, downlink_codec=name) for name in ("dense", codec))
    rounds = list(zip(dense.run(), other.run(), strict=True))
    for name, value in dense.state.items():
        assert other.state[name].tobytes() == value.tobytes()
    for a, b in rounds:
        assert a.train_loss == b.train_loss
        assert a.uplink_bytes == b.uplink_bytes
        assert b.downlink_bytes == b.downlink_parts.total == sum(each.downlink_bytes for each in b.outcomes)
        assert b.dense_downlink_bytes == b.dense_bytes
    if codec == "auto":
        assert all(b.downlink_bytes <= a.downlink_bytes for a, b in rounds)
        sparse = uplink == "topk-weights"  # there a weight that nobody sends becomes zero
        assert (rounds[-1][1].downlink_bytes < 0.95 * rounds[-1][0].downlink_bytes) == sparse


@pytest.mark.parametrize("fault", ["corrupt-down@2:#1", "corrupt-down@2:client1"])
@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_damage_is_a_clients_fault_and_the_round_goes_on(simulate: Simulate, fault: str, engine: str) -> None:
    run = simulate(rounds=2, clients_per_round=5, inject=fault, workers=2, engine=engine)
    *_, last = run.run()
    assert last.count("accepted") == 4
    (refused,) = (each for each in last.outcomes if each.status == "refused")
    assert refused.reason.startswith("downlink: checksum: ")
    assert refused.uplink_bytes == 0
    other = simulate(rounds=2, clients_per_round=5, inject=fault.replace("corrupt-down", "drop"))
    list(other.run())
    for name, value in run.state.items():
        np.testing.assert_array_equal(other.state[name], value)


def test_damage_to_most_ends_the_run_with_the_reason(simulate: Simulate) -> None:
    with pytest.raises(TooFewClientsError, match="refused: downlink: checksum"):
        list(simulate(rounds=1, inject="corrupt-down@1:*").run())


def test_every_damage_is_refused_or_harmless() -> None:
    state, rng = model(1, 0.3), np.random.default_rng(0)
    for codec in CODECS:
        whole = encode_state(state, ["weight"], Settings(downlink_codec=codec), round=1)
        for _ in range(500):
            broken = bytearray(whole.message)
            broken[int(rng.integers(len(broken)))] ^= 1 << int(rng.integers(8))
            with pytest.raises(RefusedError, match=r"downlink: (format|checksum)"):
                Downlink(bytes(broken), whole.schema).state()


def test_it_is_decoded_once_and_travels_with_its_message_alone() -> None:
    downlink = encode_state(model(1, 0.3), ["weight"], Settings(), round=1)
    first = downlink.state()
    assert downlink.state() is first
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(downlink, 5, buffer_callback=buffers.append)
    assert [each.raw().nbytes for each in buffers] == [len(downlink.message)]
    assert len(pickled) < 500
    for other in (
        pickle.loads(pickled, buffers=[each.raw() for each in buffers]),
        pickle.loads(pickle.dumps(downlink, 4)),
    ):
        assert bytes(other.message) == downlink.message
        np.testing.assert_array_equal(other.state()["weight"], first["weight"])


def test_rounded_values_reach_all_clients_alike_and_leave_the_server_its_own(simulate: Simulate) -> None:
    run = simulate(rounds=1, downlink_values="int8", uplink="topk-diff")
    before = {name: value.copy() for name, value in run.state.items()}
    sent = run.turn(1).state
    assert sent["0.weight"].tobytes() != before["0.weight"].tobytes()
    assert sent["0.bias"].tobytes() == before["0.bias"].tobytes()
    assert run.turn(1).state["0.weight"].tobytes() == sent["0.weight"].tobytes()
    assert run.turn(2).state["0.weight"].tobytes() != sent["0.weight"].tobytes()
    (round,) = run.run()
    assert round.count("accepted") == 3
    (round,) = simulate(rounds=1, uplink="topk-diff", downlink_values="int8", sparsity=0.9, mask_ratio=0.0).run()
    assert round.density == 1  # differences leave the model dense: its own weights, not those that clients were sent


def test_the_server_adds_differences_to_its_own_weights(simulate: Simulate) -> None:
    run = simulate(rounds=1, downlink_values="int8", uplink="topk-diff", sparsity=0.9, mask_ratio=0.0)
    before = run.state["0.weight"].copy()
    list(run.run())
    assert (run.state["0.weight"] == before).mean() > 0.5  # where nobody sent anything


def test_what_float16_cannot_hold_is_refused_by_the_clients(simulate: Simulate) -> None:
    run = simulate(rounds=1, downlink_values="float16")
    run.state["0.weight"][0, 0] = 1e6
    with pytest.raises(DivergedError, match="were not finite"):
        list(run.run())


def test_all_uplinks_take_part(simulate: Simulate) -> None:
    for uplink in UPLINKS:
        (round,) = simulate(rounds=1, uplink=uplink).run()
        assert round.uplink_parts.total == round.uplink_bytes
        assert all(each.parts.total == each.uplink_bytes for each in round.outcomes)
