"""int8: whole multiples of a step, 127 to each side, rounded at random (QSGD, Alistarh et al. 2017; FedPAQ 2020)."""

from __future__ import annotations

import numpy as np

from minizerofl.fl.codecs.values import ValueCodec, Values
from minizerofl.kernels import quantise as kernels
from minizerofl.kernels.types import Bytes

STEPS = 127  # from zero to the largest magnitude of a tensor
HEAD = 4  # bytes of a step's size, which comes first


class Int8(ValueCodec):
    """One byte a value: how many steps it is from zero, a step being 1/127 of the largest magnitude of the tensor.

    A value between two steps goes to the upper one with a probability that makes it right on average.

    Examples
    --------
    >>> body = Int8().encode(np.array([-1.27, 0.0, 0.5], np.float32), seed=0)
    >>> Int8().decode(body, 3).round(2).tolist()
    [-1.2699999809265137, 0.0, 0.5]
    """

    code = 1
    dtype = np.dtype(np.int8)

    def length(self, count: int) -> int:
        """Return a byte for each value, and those of the step."""
        return HEAD + count

    def encode(self, values: Values, seed: int) -> Bytes:
        """Measure the step, and round."""
        most = kernels.largest(values)
        if most < kernels.SMALLEST:
            most = 0.0
        body = np.empty(self.length(values.size), np.uint8)
        body[:HEAD].view("<f4")[0] = most / STEPS
        kernels.int8_encode(values, STEPS / most if most else 0.0, seed, body[HEAD:].view(np.int8))
        return body

    def decode(self, body: Bytes, count: int) -> Values:
        """Multiply by the step."""
        values = np.empty(count, np.float32)
        step = float(body[:HEAD].view("<f4")[0])
        kernels.int8_decode(body[HEAD:].view(np.int8), step, values)
        return values
