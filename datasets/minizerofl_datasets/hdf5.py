"""Looks at what an HDF5 file declares before anything is read from it.

HDF5 can point out of the file, into itself, at code that has to be loaded, or at sizes that nobody has. The sets need
plain arrays of numbers or text, stored in the file itself; everything else is refused.
"""

from math import prod
from typing import TYPE_CHECKING

from minizerofl_datasets.errors import DataError

if TYPE_CHECKING:
    import h5py

__all__ = ["declared_bytes", "member"]

# Filters by their registered numbers: deflate (gzip), shuffle, Fletcher32 and h5py's LZF.
FILTERS = {1, 2, 3, 32000}
MOST_SQUEEZED = 1100  # deflate cannot make data smaller than by 1032
SMALL_CHUNK = 1 << 26  # bytes; a chunk is unpacked as a whole, so one of a small array must not be larger


def member(group: "h5py.Group", name: str, where: str) -> "h5py.Group | h5py.Dataset":
    """Return a group or an array of a group, if it is safe to read.

    Parameters
    ----------
    group : h5py.Group
        An open group.
    name : str
        One of its names.
    where : str
        File and client, for messages.

    Raises
    ------
    DataError
        If it is a link, lies outside the file, is made of other arrays, is packed with a filter that we do not know,
        holds something else than numbers or text, or declares more than the file holds.
    KeyError
        If the name is not there.

    Examples
    --------
    >>> import h5py
    >>> file = h5py.File("a.h5", "w", driver="core", backing_store=False)
    >>> file["x"], file["y"] = [1, 2], h5py.SoftLink("/x")
    >>> member(file, "x", "here").shape
    (2,)
    >>> member(file, "y", "here")
    Traceback (most recent call last):
    ...
    minizerofl_datasets.errors.DataError: here: 'y' is a link; store the data itself under this name.
    """
    import h5py

    if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise DataError(f"{where}: {name!r} is a link; store the data itself under this name.")
    found = group[name]
    if isinstance(found, h5py.Dataset):
        _check(found, f"{where}: {name!r}")
    elif not isinstance(found, h5py.Group):
        raise DataError(f"{where}: {name!r} is not an array.")
    return found


def declared_bytes(dataset: "h5py.Dataset") -> int:
    """Return how many bytes an array has by its shape and type.

    Examples
    --------
    >>> import h5py
    >>> file = h5py.File("a.h5", "w", driver="core", backing_store=False)
    >>> declared_bytes(file.create_dataset("x", (3, 5), "<f4"))
    60
    """
    size: int = dataset.id.get_type().get_size()
    return size * prod(map(int, dataset.shape))


def _check(dataset: "h5py.Dataset", where: str) -> None:
    from h5py import h5d, h5s, h5t

    if dataset.id.get_space().get_simple_extent_type() != h5s.SIMPLE:
        raise DataError(f"{where} holds no array (it is empty or a single value).")
    if dataset.id.get_type().get_class() not in (h5t.INTEGER, h5t.FLOAT, h5t.STRING):
        raise DataError(f"{where} holds something other than plain numbers or text.")
    plan = dataset.id.get_create_plist()
    if plan.get_external_count():
        raise DataError(f"{where} keeps its data in another file; store it in this one.")
    layout = plan.get_layout()
    if layout not in (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED):
        raise DataError(f"{where} is a virtual array, made of others; store the data itself.")
    used = {plan.get_filter(number)[0] for number in range(plan.get_nfilters())}
    if unknown := used - FILTERS:
        raise DataError(f"{where} is packed with filter {min(unknown)}; use gzip, lzf or none.")
    declared, stored = declared_bytes(dataset), int(dataset.id.get_storage_size())
    there = int(dataset.file.id.get_filesize())
    start = (dataset.id.get_offset() or 0) if layout == h5d.CONTIGUOUS else 0
    if start + stored > there or declared > stored * (MOST_SQUEEZED if used else 1):
        raise DataError(f"{where} has the shape {dataset.shape}, but the file does not hold that much data.")
    if layout == h5d.CHUNKED and prod(plan.get_chunk()) * dataset.id.get_type().get_size() > max(declared, SMALL_CHUNK):
        raise DataError(f"{where} is stored in chunks of {plan.get_chunk()}, larger than the array; use smaller ones.")
