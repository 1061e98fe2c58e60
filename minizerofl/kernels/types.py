"""The array types that kernels take, named once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.int32]
Bytes = NDArray[np.uint8]
