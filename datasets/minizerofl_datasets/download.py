"""Fetches the official archives: downloaded, checked, unpacked aside, put in place whole or not at all."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from minizerofl_datasets.archive import publish, unpack
from minizerofl_datasets.cache import cache_folder, scratch_folder, write_atomically
from minizerofl_datasets.errors import DataError, check_choice
from minizerofl_datasets.official import OFFICIAL, OfficialArchive
from minizerofl_datasets.recorded import check_recorded, record, sha256_of
from minizerofl_datasets.transfer import PATIENCE, DownloadError, Progress, transfer

__all__ = ["DownloadError", "Progress", "download", "fetch"]

RETRIES = 2


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
    source : str or PathLike, optional
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
    folder: str | os.PathLike[str],
    *,
    source: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    retries: int = RETRIES,
    patience: float = PATIENCE,
) -> Path:
    """Download one archive into a folder and check it; the file appears whole or not at all.

    Parameters
    ----------
    archive : OfficialArchive
        What to get.
    folder : str or PathLike
        Where to.
    source : str, optional
        A mirror's address.
    progress, retries
        As in ``fetch``.
    patience : float
        As in ``transfer``.

    Returns
    -------
    Path
        The file. One that is there already and has the right checksum is not downloaded again.

    Raises
    ------
    DownloadError
        If the network or the server fails or is too slow, after the retries.
    DataError
        If its checksum is wrong, or the server sends more than the archive can have.

    Notes
    -----
    Where no checksum is published, that of the first download is recorded in the cache and asked for from then on.
    """
    folder = Path(folder)
    url = str(source or archive.url)
    final = folder / archive.file
    if final.is_file() and archive.sha256 is not None and sha256_of(final) == archive.sha256:
        return final
    for left in reversed(range(retries + 1)):
        try:
            with write_atomically(final) as part:
                transfer(url, part, most=archive.max_bytes, patience=patience, progress=progress)
                _check(archive, part, url)
            return final
        except (DownloadError, _ChecksumError):
            if not left:
                raise
    raise ValueError(f"retries={retries}: give at least 0.")


class _ChecksumError(DataError):
    """What came is not the archive; a second attempt may bring it."""


def _check(archive: OfficialArchive, path: Path, url: str) -> None:
    checksum = sha256_of(path)
    if archive.sha256 is None:
        check_recorded(archive.file, checksum, url)
        record(archive.file, checksum)
    elif checksum != archive.sha256:
        raise _ChecksumError(
            f"{url}: does not have the checksum of {archive.file} (SHA-256 {archive.sha256}); nothing was "
            "kept. Try again, "
            "or use another mirror."
        )


def _complete(folder: Path, archive: OfficialArchive) -> bool:
    return folder.is_dir() and all((folder / name).exists() for name in archive.holds)


def _checked_file(path: Path, archive: OfficialArchive) -> Path:
    if not path.is_file():
        raise DataError(f"{path}: the file does not exist; give an address or an archive.")
    if archive.sha256 is not None and sha256_of(path) != archive.sha256:
        raise DataError(
            f"{path}: is not {archive.file} (its SHA-256 is not {archive.sha256}); download the file again."
        )
    return path
