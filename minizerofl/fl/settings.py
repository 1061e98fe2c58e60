"""The settings of a federated run: everything that decides its result."""

from __future__ import annotations

from dataclasses import dataclass

from minizerofl.fl.errors import ConfigError
from minizerofl.fl.uplink import UPLINKS


@dataclass(frozen=True)
class Settings:
    """The settings of a federated run.

    Parameters
    ----------
    rounds : int
        How many rounds to run.
    clients_per_round : int
        How many clients train in each round.
    local_epochs : int
        How often a client goes through its samples in a round.
    batch_size : int
        Samples in a mini-batch; the last one of an epoch may be smaller.
    lr_start, lr_end : float
        Learning rate of the first round, and the one it falls to, exponentially, over `schedule_rounds` (paper,
        section 4).
    schedule_rounds : int
        Length of the learning-rate schedule in rounds; 0 stands for `rounds`.
    sparsity : float
        Share of weights and activations that local training leaves out (the paper's sp), 0 <= sparsity < 1.
    mask_ratio : float
        Extra share of the weights that clients send (the paper's r_mask), 0 to 1.
    uplink : str
        What clients send: "full", "topk-weights", "diff-topk-weights" or "topk-diff" (paper, section 3.2).
    seed : int
        Decides which clients are sampled and how their samples are shuffled.
    init_seed : int
        Draws the initial weights.
    eval_every : int
        Evaluate the global model every so many rounds, and after the last.
    eval_samples : int
        Evaluate on this many test samples, a fixed seeded subset; 0 stands for all. The last round always uses all.

    Raises
    ------
    ConfigError
        A setting is out of its range.

    Examples
    --------
    >>> Settings(rounds=30, sparsity=1.5)
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.ConfigError: sparsity is 1.5, expected 0 <= sparsity < 1
    """

    rounds: int = 30
    clients_per_round: int = 10
    local_epochs: int = 1
    batch_size: int = 10
    lr_start: float = 0.15
    lr_end: float = 0.03
    schedule_rounds: int = 0
    sparsity: float = 0.95
    mask_ratio: float = 0.2
    uplink: str = "topk-weights"
    seed: int = 0
    init_seed: int = 0
    eval_every: int = 1
    eval_samples: int = 0

    def __post_init__(self) -> None:
        for name in ("rounds", "clients_per_round", "local_epochs", "batch_size", "eval_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected at least 1")
        for name in ("schedule_rounds", "seed", "init_seed", "eval_samples"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected at least 0")
        for name in ("lr_start", "lr_end"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}, expected a positive number")
        if not 0 <= self.sparsity < 1:
            raise ConfigError(f"sparsity is {self.sparsity}, expected 0 <= sparsity < 1")
        if not 0 <= self.mask_ratio <= 1:
            raise ConfigError(f"mask_ratio is {self.mask_ratio}, expected 0 <= mask_ratio <= 1")
        if self.uplink not in UPLINKS:
            raise ConfigError(f"uplink is {self.uplink!r}, expected one of {', '.join(UPLINKS)}")
