"""The contact sheet of `minizerofl data preview`: a row for each client, a column for each class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minizerofl.printable import printable
from minizerofl_cli.runs.dataset import kind
from minizerofl_cli.screen.pictures import picture
from minizerofl_datasets import FederatedDataset

MAX_CLIENTS = 10  # The number of rows.
MIN_COLUMNS = 10  # With fewer classes, each class gets several columns.
GAP = 2  # Pixels between samples.
SAMPLE_INCHES = 0.42
SMALL_SAMPLE_INCHES = 0.24  # The size when there are more than MAX_LARGE_COLUMNS columns.
MAX_LARGE_COLUMNS = 30

Floats = NDArray[np.float32]


def draw_sheet(data: FederatedDataset, output: Path, augmented: bool = False, seed: int = 0) -> Iterator[str]:
    """Draw a contact sheet; yield a line about it.

    Parameters
    ----------
    data : FederatedDataset
        The set.
    output : Path
        The picture.
    augmented : bool
        Show samples as training sees them.
    seed : int
        Fixes the augmentation.

    Raises
    ------
    OSError
        The picture cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from minizerofl_datasets import load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     *_, line = draw_sheet(load("femnist", "synthetic", clients=2), Path(folder) / "sheet.png")
    >>> line.startswith("Wrote")
    True
    """
    clients = [
        data.clients[i] for i in np.linspace(0, len(data.clients) - 1, min(MAX_CLIENTS, len(data.clients)), dtype=int)
    ]
    each = max(1, MIN_COLUMNS // len(data.class_names))
    rng = np.random.default_rng(seed)
    rows = [_row(data, client, each, rng if augmented else None) for client in clients]
    columns = len(data.class_names) * each
    inches = SAMPLE_INCHES if columns <= MAX_LARGE_COLUMNS else SMALL_SAMPLE_INCHES
    with picture(2.2 + inches * columns, 1.8 + inches * len(clients), output) as figure:
        axes = figure.subplots()
        axes.imshow(_canvas(np.stack(rows), data.name), interpolation="nearest", aspect="equal")
        height, width = data.input_shape[1] + GAP, (data.input_shape[2] + GAP) * each
        places = np.arange(len(data.class_names)) * width + width / 2
        axes.set_xticks(
            places, list(map(printable, data.class_names)), rotation=45 if max(map(len, data.class_names)) > 2 else 0
        )
        axes.xaxis.tick_top()
        axes.set_yticks(np.arange(len(clients)) * height + height / 2, list(map(printable, clients)))
        axes.tick_params(length=0)
        axes.set_frame_on(False)
        note = ", as training sees them" if augmented else ""
        axes.set_xlabel(f"{data.name}, {kind(data.source, data.name)}{note}", loc="left")
    yield f"Wrote {output}: {len(clients)} clients (rows), the classes (columns); blank: no more samples."


def _row(data: FederatedDataset, client: str, each: int, rng: np.random.Generator | None) -> Floats:
    """Return a client's first samples of each class, (classes * each, C, H, W); NaN where it has no more."""
    x, y = data.train(client)
    if rng is not None:
        x = data.augment(x, rng)
    row = np.full((len(data.class_names), each, *data.input_shape), np.nan, np.float32)
    for label in range(len(data.class_names)):
        first = np.flatnonzero(y == label)[:each]
        row[label, : len(first)] = x[first]
    return row.reshape(-1, *data.input_shape)  # (classes, each, C, H, W) -> (classes * each, C, H, W)


def _canvas(samples: Floats, name: str) -> Floats:
    """Lay samples out, (clients, columns, C, H, W) -> (height, width, 3) in 0 to 1; missing ones are white."""
    import matplotlib

    colour = samples.shape[2] == 3
    samples = samples if colour else samples[:, :, :1]
    # Stretch each channel from its least to its greatest value: that undoes a normalisation.
    low, high = (reduce(samples, axis=(0, 1, 3, 4), keepdims=True) for reduce in (np.nanmin, np.nanmax))
    scaled = (samples - low) / np.maximum(high - low, 1e-6)
    if name == "speech_commands":
        scaled = scaled[..., ::-1, :]  # Low sounds, or coefficient 0, at the bottom.
    padded = np.pad(scaled, ((0, 0), (0, 0), (0, 0), (GAP // 2,) * 2, (GAP // 2,) * 2), constant_values=np.nan)
    rows, columns, channels, height, width = padded.shape
    # (rows, columns, C, H, W) -> (rows * H, columns * W, C)
    laid = padded.transpose(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    if colour:
        return np.where(np.isnan(laid), np.float32(1), laid)
    maps = {"femnist": "gray_r", "speech_commands": "magma"}
    painter = matplotlib.colormaps[maps.get(name, "gray")].with_extremes(bad="white")
    # (H, W, 1) -> (H, W, 3)
    return np.asarray(painter(np.ma.masked_invalid(laid[..., 0]))[..., :3], np.float32)
