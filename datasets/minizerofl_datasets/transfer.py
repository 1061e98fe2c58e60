"""Brings one file over HTTP to the disk: never more than it may be, and never for longer than bytes keep coming."""

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from minizerofl_datasets.errors import DataError, one_line

__all__ = ["FLOOR", "PATIENCE", "DownloadError", "Progress", "transfer"]

Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0 if the server does not say)

CHUNK = 1 << 20
PATIENCE = 30.0  # seconds in which FLOOR bytes must come
FLOOR = 30_000  # bytes; at this speed the smallest archive would take two days


class DownloadError(OSError):
    """The network or the server failed; nothing was kept."""


def transfer(
    url: str, path: str | os.PathLike[str], *, most: int, patience: float = PATIENCE, progress: Progress | None = None
) -> None:
    """Download a file.

    Parameters
    ----------
    url : str
        An http or https address.
    path : str or PathLike
        Where to; after an error it holds a part.
    most : int
        The most bytes it may have.
    patience : float
        Seconds in which at least ``FLOOR`` bytes must arrive; connecting and the answer's headers count as well.
    progress : callable, optional
        Called with the bytes so far and in all.

    Raises
    ------
    DownloadError
        If the server cannot be reached, answers with an error, breaks off or is too slow.
    DataError
        If it sends, or says that it will send, more than the file may have.
    OSError
        If the disk fails.

    Examples
    --------
    >>> import os
    >>> transfer("http://127.0.0.1:9/a.zip", Path(os.devnull), most=10)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    ...
    minizerofl_datasets.transfer.DownloadError: http://127.0.0.1:9/a.zip: the download failed
    """
    path = Path(path)
    arriving: queue.Queue[bytes | int | Exception] = queue.Queue(maxsize=4)
    stopped = threading.Event()
    # In a thread, because a server that sends a byte now and then can hold up whoever waits for a line or a block.
    threading.Thread(target=_receive, args=(url, arriving, stopped, patience), daemon=True).start()
    done = total = before = 0
    since = time.monotonic()
    try:
        with path.open("wb") as file:
            while True:
                left = since + patience - time.monotonic()
                if left <= 0:
                    if done - before < FLOOR:
                        raise _failed(url, f"it is too slow: {done - before:,} bytes in {patience:g} seconds")
                    since, before = time.monotonic(), done
                    continue
                try:
                    piece = arriving.get(timeout=left)
                except queue.Empty:
                    continue
                if isinstance(piece, Exception):
                    raise _failed(url, one_line(piece) or type(piece).__name__) from piece
                if isinstance(piece, int):
                    total = piece
                elif piece:
                    file.write(piece)
                    done += len(piece)
                    if progress:
                        progress(done, total)
                else:
                    break
                if max(done, total) > most:
                    raise DataError(f"{url}: sends more than {most:,} bytes, so it is another file; nothing was kept.")
        if total and done != total:
            raise _failed(url, f"it broke off after {done:,} of {total:,} bytes")
    finally:
        stopped.set()


def _failed(url: str, why: str) -> DownloadError:
    return DownloadError(f"{url}: the download failed ({why}); nothing was kept, try again.")


def _receive(
    url: str, arriving: "queue.Queue[bytes | int | Exception]", stopped: threading.Event, patience: float
) -> None:
    """Hand over the size (0 if the server does not say), then the bytes as they come, then b"" or an error."""
    import ssl
    import urllib.error
    import urllib.request

    import certifi

    def hand_over(piece: bytes | int | Exception) -> None:
        while not stopped.is_set():
            try:
                return arriving.put(piece, timeout=1)
            except queue.Full:
                continue
        return None

    try:
        trusted = ssl.create_default_context()
        trusted.load_verify_locations(certifi.where())
        request = urllib.request.Request(url, headers={"User-Agent": "minizerofl"})
        with urllib.request.urlopen(request, timeout=patience, context=trusted) as answer:
            length = answer.headers.get("Content-Length", "")
            hand_over(int(length) if length.isdecimal() else 0)
            while not stopped.is_set():
                piece = answer.read1(CHUNK)
                hand_over(piece)
                if not piece:
                    return
    except urllib.error.HTTPError as error:
        error.close()
        hand_over(error)
    except Exception as error:  # whatever goes wrong here is told by the other thread
        hand_over(error)
