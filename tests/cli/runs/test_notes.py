"""What is said about settings before a run begins."""

import pytest

import minizerofl_datasets
from minizerofl.fl import Settings
from minizerofl_cli.runs.notes import notes


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"values": "eden1"}, ["eden1 loses 57 % of the weights that clients send"]),
        ({"values": "eden1", "uplink": "topk-diff"}, []),
        ({"values": "int8", "downlink_values": "eden4"}, []),
        (
            {"uplink": "topk-diff", "downlink_values": "eden2"},
            ["eden2 loses 14 % of the weights that the server sends"],
        ),
        ({"uplink": "stc"}, []),
    ],
)
def test_values_too_coarse_for_weights_are_told(settings, told):
    data = minizerofl_datasets.load("femnist", source="synthetic", clients=2)
    said = [line.removeprefix("Note: ").partition(";")[0] for line in notes(Settings(**settings), data)]
    assert [line for line in said if "loses" in line] == told
