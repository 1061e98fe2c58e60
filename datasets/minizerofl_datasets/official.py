"""The official archives: addresses, checksums and contents."""

from dataclasses import dataclass

__all__ = ["OFFICIAL", "OfficialArchive"]


@dataclass(frozen=True)
class OfficialArchive:
    """One archive.

    Parameters
    ----------
    url : str
        Its address.
    sha256 : str or None
        Its checksum; None where none is published.
    folder : str
        Where it goes below the cache's ``data`` folder, "" if it is not unpacked there.
    inside : str
        The folder of the archive that goes there; "" for the whole archive.
    holds : tuple of str
        The files and folders of a complete copy.
    max_bytes : int
        The limit of its size, packed or unpacked.
    """

    url: str
    sha256: str | None
    folder: str
    inside: str
    holds: tuple[str, ...]
    max_bytes: int

    @property
    def file(self) -> str:
        """Name of the archive's file."""
        return self.url.rsplit("/", 1)[1]


TRAIN_BATCHES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
SPEECH = "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_{}.tar.gz"
NIST = "https://s3.amazonaws.com/nist-srd/SD19/{}.zip"

# By data set and variant; the first variant is the default.
OFFICIAL: dict[str, dict[str, OfficialArchive]] = {
    "cifar10": {
        "binary": OfficialArchive(
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            "cifar-10-batches-bin",
            "cifar-10-batches-bin",
            (*TRAIN_BATCHES, "test_batch.bin"),
            400_000_000,
        )
    },
    "speech_commands": {
        "v0.01": OfficialArchive(
            SPEECH.format("v0.01"),
            "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
            "speech_commands_v0.01",
            "",
            ("_background_noise_", "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"),
            6_000_000_000,
        ),
        "v0.02": OfficialArchive(
            SPEECH.format("v0.02"),
            "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
            "speech_commands_v0.02",
            "",
            ("_background_noise_", "yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"),
            9_000_000_000,
        ),
    },
    "femnist": {
        "tff": OfficialArchive(
            "https://storage.googleapis.com/tff-datasets-public/fed_emnist.tar.bz2",
            "fe1ed5a502cea3a952eb105920bff8cffb32836b5173cb18a57a32c3606f3ea0",
            "femnist",
            "",
            ("fed_emnist_train.h5", "fed_emnist_test.h5"),
            8_000_000_000,
        )
    },
    # These are not unpacked: femnist.build reads the pictures from the archives.
    "nist": {
        "by_class": OfficialArchive(NIST.format("by_class"), None, "", "", (), 3_000_000_000),
        "by_write": OfficialArchive(NIST.format("by_write"), None, "", "", (), 3_000_000_000),
    },
}
