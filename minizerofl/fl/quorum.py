"""Whether a round may be kept: enough updates were accepted, and what the server made of them is finite."""

from __future__ import annotations

import math
from collections.abc import Sequence

from minizerofl.fl.crash import Crash, alike
from minizerofl.fl.errors import ClientCodeError, DivergedError, TooFewClientsError
from minizerofl.fl.finite import first_not_finite
from minizerofl.fl.payload import State
from minizerofl.fl.round import Outcome

SHOWN = 3  # reasons in an error message


def check_quorum(round: int, outcomes: Sequence[Outcome], quorum: float, crashes: Sequence[Crash] = ()) -> None:
    """Make sure that enough updates were accepted; divergence is looked for first.

    Parameters
    ----------
    round : int
        The round.
    outcomes : sequence of Outcome
        How its clients' turns ended.
    quorum : float
        The share of them whose updates must be accepted, 0 to 1; at least one must be in any case.
    crashes : sequence of Crash
        The exceptions of those that crashed, unless they were injected; they become the cause of what is raised.

    Raises
    ------
    DivergedError
        At least as many updates were not finite as were accepted.
    ClientCodeError
        All clients crashed alike.
    TooFewClientsError
        Fewer were accepted than needed.

    Examples
    --------
    >>> outcomes = [Outcome("a", "accepted"), Outcome("b", "dropped", "did not answer")]
    >>> check_quorum(3, outcomes, quorum=0.6)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.TooFewClientsError: round 3: 1 of 2 updates could be used, the quorum is 2 ...
    """
    accepted = sum(outcome.status == "accepted" for outcome in outcomes)
    not_finite = sum(outcome.status == "refused" and "not finite" in outcome.reason for outcome in outcomes)
    if not_finite and not_finite >= accepted:
        message = f"round {round}: {not_finite} of {len(outcomes)} updates were not finite; lower the learning rate"
        raise DivergedError(message, round, outcomes)
    cause = crashes[0].error if crashes else None
    if cause and len(crashes) == len(outcomes) and alike(crashes):
        what = f"round {round}: all {len(outcomes)} clients failed alike" if len(outcomes) > 1 else f"round {round}"
        raise ClientCodeError(f"{what}: {crashes[0]}", round, outcomes) from cause
    needed = max(1, math.ceil(_exact(quorum * len(outcomes))))
    if accepted < needed:
        reasons = sorted({f"{each.status}: {each.reason}" for each in outcomes if each.status != "accepted"})
        raise TooFewClientsError(
            f"round {round}: {accepted} of {len(outcomes)} updates could be used, the quorum is {needed} "
            f"({'; '.join(reasons[:SHOWN])}); lower --quorum or see clients.csv",
            round,
            outcomes,
        ) from cause


def check_finite(round: int, state: State, server_memory: State, outcomes: Sequence[Outcome]) -> None:
    """Make sure that the server's step led to finite numbers.

    Parameters
    ----------
    round : int
        The round.
    state, server_memory : dict of str to array
        The new global model, and what the server is to remember.
    outcomes : sequence of Outcome
        How the clients' turns ended.

    Raises
    ------
    DivergedError
        A value is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> check_finite(3, {"weight": np.array([np.inf])}, {}, [])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    minizerofl.fl.errors.DivergedError: round 3: weight is not finite after the server's step; lower the ...
    """
    name = first_not_finite(state) or first_not_finite(server_memory)
    if name is not None:
        message = f"round {round}: {name} is not finite after the server's step; lower the learning rate or --server-lr"
        raise DivergedError(message, round, outcomes)


def _exact(product: float) -> float:
    """Undo the rounding error of a product: 0.1 * 30 is 3.0000000000000004."""
    return round(product, 6)
