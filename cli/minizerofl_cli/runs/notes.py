"""Notes that are shown before a run begins: settings that are allowed, and probably a mistake."""

from collections.abc import Iterator

import numpy as np

from minizerofl.choices import UPLINKS
from minizerofl.fl.codecs import value_codec
from minizerofl.fl.faults import fault_texts, parse_faults
from minizerofl.fl.settings import Settings
from minizerofl.kernels.jit import how_kernels_run
from minizerofl_datasets import FederatedDataset

INTERPRETED = "Note: NUMBA_DISABLE_JIT is set, so kernels run as plain Python: a round takes minutes or hours."
COARSE = 0.05  # of the squares; a codec of values that loses more is not for weights


def notes(settings: Settings, data: FederatedDataset) -> Iterator[str]:
    """Yield a line about each: kernels that are not compiled, faults that cannot strike, codecs that lose weights."""
    if how_kernels_run() == "interpreted":
        yield INTERPRETED
    for text, fault in zip(fault_texts(settings.inject), parse_faults(settings.inject), strict=True):
        if not fault.can_strike(settings.rounds, data.clients, settings.clients_per_round):
            yield f"Note: the fault {text} can never strike: there is no such round or no such client."
    if not UPLINKS[settings.uplink].differences and (share := lost(settings.values)) > COARSE:
        what = f"{settings.values} loses {100 * share:.0f} % of the weights that clients send"
        yield f"Note: {what}; changes tolerate more: --uplink topk-diff."
    if (share := lost(settings.downlink_values)) > COARSE:
        what = f"{settings.downlink_values} loses {100 * share:.0f} % of the weights that the server sends"
        yield f"Note: {what}; int8 loses next to nothing."


def lost(values: str) -> float:
    """Return the share of the sum of squares that a codec of values loses, for normal numbers.

    Examples
    --------
    >>> [round(lost(values), 2) for values in ("float32", "int8", "eden1")]
    [0.0, 0.0, 0.57]
    """
    numbers = np.random.default_rng(0).standard_normal(1 << 15).astype(np.float32)
    codec = value_codec(values)
    error = codec.decode(codec.encode(numbers, seed=0), numbers.size) - numbers
    return float(np.square(error).sum() / np.square(numbers).sum())
