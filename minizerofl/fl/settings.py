"""The settings of a federated run: everything that decides its result."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from minizerofl.choices import CHOICES
from minizerofl.fl.errors import ConfigError
from minizerofl.fl.faults import parse_faults
from minizerofl.models.setup import Setup
from minizerofl.registry import ChoiceError, Registry, unknown


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
        section 4.1).
    schedule_rounds : int
        Length of the learning-rate schedule in rounds; 0 stands for `rounds`.
    momentum : float
        How much of its last step a client's SGD keeps (Polyak), 0 <= momentum < 1; it begins at zero in each round. The
        paper does not state it; SWAT used 0.9.
    nesterov : bool
        Whether momentum looks ahead.
    weight_decay : float
        Adds ``weight_decay * w`` to a client's gradients. The paper does not state it; SWAT used 0.0005.
    sparsity : float
        Share of weights and activations that local training leaves out (the paper's sp), 0 <= sparsity < 1.
    weight_sparsity, activation_sparsity, uplink_sparsity : float or None
        One of these apart from `sparsity`; None: as `sparsity`. Weights left out of the forward pass and of dX;
        activations left out of dW; and the sparsity that decides what share is sent, ``1 - uplink_sparsity +
        mask_ratio``. So weight sparsity 0 trains with all weights, and uplink sparsity 0.95 beside sparsity 0 is dense
        training with ZeroFL's uplink.
    selection : str
        The rule that chooses which weights are kept, in training, uplink and evaluation: "top-k" in each layer (the
        paper's), or another name of `minizerofl.choices.RULES` (docs/methods.md); or "package.module:Class", a class of
        your own.
    selection_period : int
        Steps from one selection of weights to the next, see `minizerofl.nn.rule.set_selection`.
    init : str
        How the initial weights are drawn: "he-normal", "he-uniform" or "torch", see
        `minizerofl.models.setup.initialise`.
    mask_ratio : float
        Extra share of the weights that clients send (the paper's r_mask), 0 to 1.
    uplink : str
        What clients send: "full", "topk-weights", "diff-topk-weights" or "topk-diff" (paper, section 5); or one of
        the controls, "topk-diff-feedback", "stc" or "random-k"; or "package.module:Class", a class of your own.
    codec : str
        How a message is encoded: "csr" (the paper's), "bitmap", "rice", "dense", or "auto", the shortest.
    values : str
        How its values are encoded: "float32"; or rounded, as "float16", "int8", "eden1", "eden2", "eden4" or "ternary"
        (see `minizerofl.choices.VALUES`); or "package.module:Class", a class of your own.
    downlink_codec : str
        How the server's message is encoded, as `codec`; "auto" loses nothing and is shortest.
    downlink_values : str
        How its values are encoded, as `values`.
    average : str
        "all": an entry that a client does not send counts as zero (the paper's). "senders": it does not count (a
        control).
    server : str
        What follows the average: "fedavg", "fedavgm", "fedadagrad", "fedadam" or "fedyogi"; or
        "package.module:Class", a class of your own.
    server_lr : float
        The server's learning rate; 0 stands for its default, 1 for "fedavg" and "fedavgm" and 0.01 for the others.
    proximal_mu : float
        Strength of the pull of local training towards the global model (FedProx); 0 for none.
    bn : str
        "global": clients begin with the averages of BatchNorm's parameters and statistics, as of all else. "local":
        a client that took part before goes on with its own (FedBN, Li et al. 2021). A copy is still sent, so that
        newcomers and the evaluation have an average.
    seed : int
        Decides which clients are sampled and how their samples are shuffled.
    init_seed : int
        Draws the initial weights.
    eval_every : int
        Evaluate the global model every `eval_every` rounds, and after the last.
    eval_samples : int
        Evaluate on this many test samples, a fixed seeded subset; 0 stands for all. The last round always uses all.
    eval_dense : bool
        Evaluate a second time with all weights. The paper evaluates with the largest ones only (section 4.3).
    validation_samples : int
        Whenever the model is evaluated, evaluate it on this many validation samples too, a fixed seeded subset; they
        alone choose the best checkpoint. 0: none, and no checkpoint is called the best.
    masks_every : int
        Note the masks of the sparse layers, and how far they overlap, every `masks_every` rounds; 0: never.
    quorum : float
        The share of a round's clients whose updates must be accepted, 0 to 1; at least one must be in any case.
    dense_layers : str
        The sparse layers that are computed by dense products, separated by commas: the same result up to rounding, and
        faster where many weights are kept. "none" for none of them; "auto" for those that are expected to be faster,
        see `minizerofl.sparse.breakeven`.
    round_deadline : float
        Seconds after which the server stops waiting for clients; 0: never. Which clients are accepted, and so the
        result, then depends on the machine.
    inject : str
        Faults to bring about on purpose, see `minizerofl.fl.faults`.

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
    lr_start: float = 0.2
    lr_end: float = 0.04
    schedule_rounds: int = 0
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    sparsity: float = 0.95
    weight_sparsity: float | None = None
    activation_sparsity: float | None = None
    uplink_sparsity: float | None = None
    selection: str = "top-k"
    selection_period: int = 1
    init: str = "he-normal"
    mask_ratio: float = 0.2
    uplink: str = "topk-weights"
    codec: str = "csr"
    values: str = "float32"
    downlink_codec: str = "auto"
    downlink_values: str = "float32"
    dense_layers: str = "auto"
    average: str = "all"
    server: str = "fedavg"
    server_lr: float = 0.0
    proximal_mu: float = 0.0
    bn: str = "global"
    seed: int = 0
    init_seed: int = 0
    eval_every: int = 1
    eval_samples: int = 0
    eval_dense: bool = False
    validation_samples: int = 500
    masks_every: int = 20
    quorum: float = 0.5
    round_deadline: float = 0.0
    inject: str = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            if isinstance(getattr(self, each.name), int) and abs(getattr(self, each.name)) >= 2**63:
                raise ConfigError(f"{each.name} is an integer of more than 64 bits, expected a smaller one")
        for name in ("rounds", "clients_per_round", "local_epochs", "batch_size", "eval_every", "selection_period"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected at least 1")
        for name in ("schedule_rounds", "seed", "init_seed", "eval_samples", "validation_samples", "masks_every"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, expected at least 0")
        for name in ("lr_start", "lr_end"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}, expected a positive number")
        for name in ("sparsity", "weight_sparsity", "activation_sparsity", "uplink_sparsity"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise ConfigError(f"{name} is {value}, expected 0 <= {name} < 1")
        if not 0 <= self.momentum < 1:
            raise ConfigError(f"momentum is {self.momentum}, expected 0 <= momentum < 1")
        if self.nesterov and not self.momentum:
            raise ConfigError("nesterov is on, but momentum is 0; give a momentum such as 0.9")
        if not 0 <= self.mask_ratio <= 1:
            raise ConfigError(f"mask_ratio is {self.mask_ratio}, expected 0 <= mask_ratio <= 1")
        if not 0 <= self.quorum <= 1:
            raise ConfigError(f"quorum is {self.quorum}, expected 0 <= quorum <= 1")
        if not 0 <= self.round_deadline < float("inf"):
            raise ConfigError(f"round_deadline is {self.round_deadline}, expected a number of seconds, 0 for none")
        parse_faults(self.inject)
        for name in ("server_lr", "proximal_mu", "weight_decay"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"{name} is {getattr(self, name)}, expected a number, at least 0")
        for name, known in CHOICES.items():
            _check_choice(name, getattr(self, name), known)

    @property
    def built_sparsity(self) -> float:
        """The sparsity with which the model is built: it must be above 0 wherever something is left out."""
        return self.sparsity or max(self.weight_sparsity or 0, self.activation_sparsity or 0, self.uplink_sparsity or 0)

    def resolved(self) -> Settings:
        """Return the same settings with every sparsity filled in, as config.toml has them.

        Examples
        --------
        >>> Settings(sparsity=0.9, weight_sparsity=0.0).resolved().activation_sparsity
        0.9
        """
        names = ("weight_sparsity", "activation_sparsity", "uplink_sparsity")
        missing: dict[str, Any] = {name: self.sparsity for name in names if getattr(self, name) is None}
        return replace(self, **missing)

    @property
    def schedule(self) -> int:
        """The length of the learning-rate schedule, in rounds."""
        return self.schedule_rounds or self.rounds

    @property
    def apart(self) -> bool:
        """Whether weights, activations or the uplink have another sparsity than `sparsity`."""
        s = self.resolved()
        return not s.sparsity == s.weight_sparsity == s.activation_sparsity == s.uplink_sparsity

    def uplink_sparsities(self, sparse: Mapping[str, float]) -> dict[str, float]:
        """Return, for each sparse layer with its sparsity, the one by which the share that is sent is counted."""
        return dict.fromkeys(sparse, self.resolved().uplink_sparsity or 0.0) if self.apart else dict(sparse)

    def setup(self) -> Setup:
        """Return what is to be set on the model of the run."""
        s = self.resolved()
        return Setup(
            weight_sparsity=s.weight_sparsity if self.apart else None,
            activation_sparsity=s.activation_sparsity if self.apart else None,
            selection=s.selection,
            selection_period=s.selection_period,
            seed=s.seed,
            init=s.init,
            init_seed=s.init_seed,
        )

    @property
    def dense_names(self) -> tuple[str, ...] | None:
        """The layers that `dense_layers` names; None for "auto", if they are still to be chosen.

        Examples
        --------
        >>> Settings(dense_layers="conv1, linear1").dense_names
        ('conv1', 'linear1')
        """
        if self.dense_layers == "auto":
            return None
        return () if self.dense_layers == "none" else tuple(name.strip() for name in self.dense_layers.split(","))

    def with_dense_names(self, names: Iterable[str]) -> Settings:
        """Return the same settings with these layers as `dense_layers`."""
        return replace(self, dense_layers=",".join(names) or "none")


def _check_choice(setting: str, name: str, known: Collection[str]) -> None:
    if isinstance(known, Registry):
        try:
            known.check(name)
        except ChoiceError as error:
            raise ConfigError(str(error)) from error
    elif name not in known:
        raise ConfigError(f"{setting} {unknown(name, known)}")
