"""Data of your own: write arrays to a file, import it once, and train on it by its name."""

import numpy as np


def make_arrays(seed: int = 0) -> dict[str, np.ndarray]:
    """Make 900 grey pictures: a bright bar in noise, and its row is the class. Put your own samples here."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 7, size=900)
    x = rng.integers(0, 100, size=(900, 28, 28), dtype=np.uint8)
    for picture, row in zip(x, y, strict=True):
        picture[4 * row : 4 * row + 3] += 150
    return {"x": x, "y": y, "client": rng.integers(0, 12, size=900)}  # client: who made each sample


if __name__ == "__main__":
    np.savez("bars.npz", **make_arrays())
