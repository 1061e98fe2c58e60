"""Fetches the official archives: downloaded with pooch, checked, unpacked aside, put in place whole or not at all."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from minizerofl_datasets.archive import publish, unpack
from minizerofl_datasets.cache import cache_folder, scratch_folder
from minizerofl_datasets.errors import DataError, check_choice, one_line
from minizerofl_datasets.official import OFFICIAL, OfficialArchive

__all__ = ["DownloadError", "Progress", "download", "fetch"]

Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0 if the server does not say)

RETRIES = 2
CHUNK = 1 << 20


class DownloadError(OSError):
    """The network or the server failed; nothing was kept."""


def fetch(
    name: str,
    *,
    variant: str | None = None,
    source: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    retries: int = RETRIES,
) -> Path:
    """Bring a real data set into the cache, where ``load`` finds it. Does nothing if it is there already.

    Parameters
    ----------
    name : {"cifar10", "speech_commands", "femnist"}
        Which set.
    variant : str, optional
        "v0.01" (default) or "v0.02" of speech_commands.
    source : str or path, optional
        A mirror's address, or an archive that you have got already. The checksum is that of the official archive.
    progress : callable, optional
        Called with the bytes so far and in all.
    retries : int
        How often a failed download is begun again, from its start.

    Returns
    -------
    Path
        The folder of the cache that holds the set.

    Raises
    ------
    ValueError
        If the name or variant is unknown.
    DownloadError
        If the network or the server fails.
    DataError
        If the archive is not the official one, is damaged, or is not safe to unpack.

    Examples
    --------
    >>> fetch("cifar")
    Traceback (most recent call last):
    ...
    ValueError: name='cifar' is unknown: did you mean 'cifar10'? Known: 'cifar10', 'speech_commands', 'femnist'.
    """
    check_choice("name", name, [known for known in OFFICIAL if known != "nist"])
    variants = OFFICIAL[name]
    if variant is not None:
        check_choice("variant", variant, variants)
    return fetch_archive(variants[variant or next(iter(variants))], source=source, progress=progress, retries=retries)


def fetch_archive(
    archive: OfficialArchive,
    *,
    source: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    retries: int = RETRIES,
) -> Path:
    """Fetch one archive into the cache and unpack it; parameters, returns and errors are those of ``fetch``.

    The archive and all half-done work are in a scratch folder that goes away; the set appears by one renaming.
    """
    data = cache_folder() / "data"
    final = data / archive.folder
    if _complete(final, archive):
        return final
    with scratch_folder(data) as scratch:
        if source is None or urlsplit(str(source)).scheme in ("http", "https"):
            packed = download(archive, scratch, source=source, progress=progress, retries=retries)
        else:
            packed = _checked_file(Path(source).expanduser(), archive)
        unpack(packed, scratch / "unpacked", max_bytes=archive.max_bytes)
        new = scratch / "unpacked" / archive.inside
        if not _complete(new, archive):
            raise DataError(f"{packed.name}: does not hold {', '.join(archive.holds[:3])}, ...; it is another archive.")
        if final.is_dir() and not _complete(final, archive):  # somebody removed a part of it
            final.rename(scratch / "incomplete")
        publish(new, final)
    return final


def download(
    archive: OfficialArchive,
    folder: Path,
    *,
    source: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    retries: int = RETRIES,
) -> Path:
    """Download one archive into a folder and check it; the file appears whole or not at all.

    Parameters
    ----------
    archive : OfficialArchive
        What to get.
    folder : Path
        Where to.
    source : str, optional
        A mirror's address.
    progress, retries
        As in ``fetch``.

    Returns
    -------
    Path
        The file. One that is there already and has the right checksum is not downloaded again.

    Raises
    ------
    DownloadError
        If the network or the server fails, after the retries.
    DataError
        If its checksum is wrong.
    """
    import pooch

    pooch.get_logger().setLevel(logging.WARNING)
    url = str(source or archive.url)
    known = None if archive.sha256 is None else f"sha256:{archive.sha256}"
    folder.mkdir(parents=True, exist_ok=True)
    getter = pooch.create(
        path=folder, base_url="", registry={archive.file: known}, urls={archive.file: url}, retry_if_failed=retries
    )
    over_http = pooch.HTTPDownloader(
        progressbar=_Bar(progress) if progress else False, chunk_size=CHUNK, hooks={"response": _close_if_failed}
    )
    try:
        return Path(getter.fetch(archive.file, downloader=over_http))
    except OSError as error:
        if error.errno is not None:  # the disk; what goes wrong with the network comes without a number
            raise
        raise DownloadError(f"{url}: the download failed ({one_line(error)}); nothing was kept, try again.") from error
    except ValueError as error:
        raise DataError(
            f"{url}: has not the checksum of {archive.file} (SHA-256 {archive.sha256}); nothing was kept. Try again, "
            "or take another mirror."
        ) from error


class _Response(Protocol):
    ok: bool

    def close(self) -> None: ...


def _close_if_failed(response: _Response, **_: object) -> None:
    """Give back the connection of an answer that is an error; nobody reads its body."""
    if not response.ok:
        response.close()


class _Bar:
    """What pooch takes for a progress bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.total = 0

    @property
    def total(self) -> int:
        return self._total

    @total.setter
    def total(self, total: int) -> None:  # set at the beginning of each attempt
        self._total = total
        self.reset()

    def update(self, size: int) -> None:
        self._done += size
        self._progress(min(self._done, self._total) if self._total else self._done, self._total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        """Nothing to close."""


def _complete(folder: Path, archive: OfficialArchive) -> bool:
    return folder.is_dir() and all((folder / name).exists() for name in archive.holds)


def _checked_file(path: Path, archive: OfficialArchive) -> Path:
    import pooch

    if not path.is_file():
        raise DataError(f"{path}: the file does not exist; give an address or an archive.")
    if archive.sha256 is not None and pooch.file_hash(str(path)) != archive.sha256:
        raise DataError(f"{path}: is not {archive.file} (its SHA-256 is not {archive.sha256}); get the file anew.")
    return path
