"""Recipes: settings that belong together, each a row of the table in docs/cli.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Settings of a run, with the names and meanings of `minizerofl.fl.Settings`.

    Examples
    --------
    >>> RECIPES["paper"].clients_per_round
    35
    """

    rounds: int
    clients_per_round: int
    lr_start: float
    lr_end: float
    eval_every: int
    eval_samples: int
    local_epochs: int = 1
    batch_size: int = 10
    schedule_rounds: int = 0
    sparsity: float = 0.95
    mask_ratio: float = 0.2
    uplink: str = "topk-weights"


RECIPES = {
    # Learns visibly within minutes on two cores. 5,000 test images are all of a few hundred writers'.
    "quick": Recipe(rounds=30, clients_per_round=10, lr_start=0.15, lr_end=0.03, eval_every=1, eval_samples=5000),
    # Section 4 of the paper, FEMNIST. It does not state the batch size; LEAF uses 10.
    "paper": Recipe(rounds=1000, clients_per_round=35, lr_start=0.004, lr_end=0.001, eval_every=10, eval_samples=0),
}
