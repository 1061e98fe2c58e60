"""How an object travels between processes: its large parts through shared memory, the rest through a pipe.

A pipe takes 64 KB at a time, and the update of a FEMNIST client has megabytes. With pickle protocol 5, large buffers
(arrays, `pickle.PickleBuffer`) come out of band, separately from the object they belong to.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from mmap import mmap
from typing import Any

from minizerofl.fl.measures.clock import timed


@dataclass(frozen=True)
class Parcel:
    """A packed object.

    Attributes
    ----------
    pickled : bytes
        The object without its buffers.
    buffers : tuple
        For each buffer its place in the shared memory, (start, stop), or its bytes if there was no room for it.
    """

    pickled: bytes
    buffers: tuple[tuple[int, int] | bytes, ...]


@timed("pack")
def pack(thing: object, memory: mmap, known: Sequence[object] = ()) -> Parcel:
    """Pack an object; the memory's earlier content is overwritten.

    Parameters
    ----------
    thing : object
        Anything that can be pickled.
    memory : mmap
        The memory that both processes share.
    known : sequence of object
        Objects that the other process has as well: only the position in this list is sent.

    Examples
    --------
    >>> import numpy as np
    >>> memory = mmap(-1, 100)
    >>> parcel = pack({"small": np.arange(3), "large": np.zeros(1000)}, memory)
    >>> [buffer if isinstance(buffer, tuple) else len(buffer) for buffer in parcel.buffers]
    [(0, 24), 8000]
    >>> unpack(parcel, memory)["small"]
    array([0, 1, 2])
    """
    file, buffers = io.BytesIO(), list[pickle.PickleBuffer]()
    pickler = _Pickler(file, 5, buffer_callback=buffers.append)
    pickler.known = {id(other): place for place, other in enumerate(known)}
    pickler.dump(thing)
    laid: list[tuple[int, int] | bytes] = []
    start = 0
    for buffer in buffers:
        raw = buffer.raw()
        if raw.nbytes <= len(memory) - start:
            memory[start : start + raw.nbytes] = raw
            laid.append((start, start + raw.nbytes))
            start += raw.nbytes
        else:
            laid.append(bytes(raw))
    return Parcel(file.getvalue(), tuple(laid))


@timed("unpack")
def unpack(parcel: Parcel, memory: mmap, known: Sequence[object] = (), copy: bool = False) -> Any:
    """Unpack an object; its arrays are read-only.

    Parameters
    ----------
    parcel : Parcel
        What `pack` returned.
    memory : mmap
        The memory that both processes share.
    known : sequence of object
        The same list in this process.
    copy : bool
        Whether to copy the buffers. Otherwise they change when the memory is written to again.
    """
    view = memoryview(memory).toreadonly()
    buffers = [view[slice(*where)] if isinstance(where, tuple) else where for where in parcel.buffers]
    unpickler = _Unpickler(io.BytesIO(parcel.pickled), buffers=map(bytes, buffers) if copy else buffers)
    unpickler.known = known
    return unpickler.load()


class _Pickler(pickle.Pickler):
    known: dict[int, int]

    def persistent_id(self, thing: object) -> int | None:
        return self.known.get(id(thing))


class _Unpickler(pickle.Unpickler):
    known: Sequence[object]

    def persistent_load(self, place: int) -> object:
        return self.known[place]
