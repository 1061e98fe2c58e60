"""A codec of values of your own: how the numbers of a message are written."""

import numpy as np

from minizerofl.fl import ValueCodec


class UpperHalves(ValueCodec):
    """The upper 16 of the 32 bits of each value (bfloat16): its range, and 8 binary digits."""

    dtype = np.dtype("<u2")  # each value is written by itself, and 0 is written as 0

    def length(self, count: int) -> int:
        """Return how many bytes a number of values take."""
        return 2 * count

    def encode(self, values: np.ndarray, seed: int) -> np.ndarray:
        """Write float32 values, (n,), as bytes; whoever rounds at random draws from the seed."""
        return (values.view(np.uint32) >> 16).astype(self.dtype).view(np.uint8)

    def decode(self, body: np.ndarray, count: int) -> np.ndarray:
        """Read them back; what is not finite then is refused."""
        return (body.view(self.dtype).astype(np.uint32) << 16).view(np.float32)
