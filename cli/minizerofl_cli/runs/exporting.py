"""What `minizerofl export` says: the model of a run, written for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minizerofl.export import export_model
from minizerofl.export.portable import trained_on
from minizerofl.export.reading import weights_file
from minizerofl.export.writing import suffix_of
from minizerofl.fl import DivergedError, load_model
from minizerofl.fl.finite import first_not_finite
from minizerofl_cli.screen.progress import MB


def export_run(path: Path, to: str, output: Path | None, dense: bool, replace: bool) -> Iterator[str]:
    """Export a model; yield lines, the first of which says on what data it was trained.

    Parameters
    ----------
    path : Path
        A run directory or a model.h5.
    to, dense, replace
        See `minizerofl.export.export_model`.
    output : Path, optional
        Where to; by default beside the model.h5. All weights then go to model-dense, so that both can be there.

    Raises
    ------
    ModelFileError
        There is no model, or it cannot be built.
    DivergedError
        The model is not finite.
    ConfigError, ExportError, MissingExtraError, OSError
        See `minizerofl.export.export_model`.
    """
    file = weights_file(path)
    saved = load_model(file)
    yield f"model: {saved.name}, trained on {trained_on(saved.about)}"
    if (name := first_not_finite(saved.state)) is not None:
        raise DivergedError(f"{file}: the model is not finite ({name} has NaN or infinite values): its run diverged")
    target = output or file.with_name(f"{file.stem}{'-dense' if dense else ''}{suffix_of(to)}")
    portable = export_model(saved, target, to, dense=dense, replace=replace)
    entries = sum(value.size for value in portable.state.values())
    kept = sum(int(np.count_nonzero(value)) for value in portable.state.values())
    which = "all weights" if dense else "sparse weights, as in evaluation"
    yield f"{which}: {kept:,} of {entries:,} numbers are not zero"
    for each in portable.metadata["layout_kept"]:
        yield f"Note: {each} belongs to a layer of your own; its axes stay in our order, with the batch last."
    yield f"{target}: {target.stat().st_size / MB:.1f} MB; docs/export.md shows how to load it"
