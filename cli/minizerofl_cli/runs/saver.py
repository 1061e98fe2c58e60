"""Saves the checkpoints of a run beside its rounds."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from minizerofl.fl import Checkpoint
from minizerofl.fl.files.checkpoint import Checkpoints


class Saver:
    """Writes checkpoints one at a time, in a thread, while the next round is under way.

    Parameters
    ----------
    checkpoints : Checkpoints
        Those of the run.
    round : int
        The round that need not be saved, nor those before it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoints = Checkpoints(folder)
    ...     saver = Saver(checkpoints, 0)
    ...     saver.save(Checkpoint(1, {}))
    ...     saver.wait()
    ...     print([path.name for path in checkpoints.paths()])
    ['round-000001.h5']
    """

    def __init__(self, checkpoints: Checkpoints, round: int) -> None:
        self._checkpoints = checkpoints
        self._round = round
        self._writing: Future[None] | None = None

    def save(self, checkpoint: Checkpoint) -> None:
        """Begin to write a checkpoint, unless that of its round was written; the one before is safe then.

        Raises
        ------
        OSError
            The one before could not be written.
        """
        self.wait()
        if checkpoint.round > self._round:
            thread = ThreadPoolExecutor(1)
            self._writing = thread.submit(copy_context().run, self._checkpoints.save, checkpoint)
            thread.shutdown(wait=False)  # it ends with the file, so that no process is forked beside it later
            self._round = checkpoint.round

    def wait(self) -> None:
        """Wait until the checkpoint that is being written is safe.

        Raises
        ------
        OSError
            It could not be written. It may be saved again.
        """
        writing, self._writing = self._writing, None
        try:
            if writing is not None:
                writing.result()
        except Exception:
            self._round = 0
            raise
