"""Faults on purpose: clients that vanish, crash, are slow or send garbage, in rounds that are known beforehand.

A plan is text, faults between commas, each ``KIND@ROUNDS:CLIENT``:

========  ==================================================================================
KIND      ``drop`` (never answers), ``crash`` (fails in training), ``nan`` (learns from NaN and sends it),
          ``corrupt`` (one byte of its message is changed), ``slow=SECONDS`` (waits before it trains)
ROUNDS    ``3``, ``3-5`` or ``*`` for all
CLIENT    a client's id, ``#0`` for the first that was sampled in the round, ``*`` for all
========  ==================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from minizerofl.fl.errors import ConfigError
from minizerofl.registry import unknown

KINDS = ("drop", "crash", "nan", "corrupt", "slow")
FORM = re.compile(r"(?P<kind>\w+)(=(?P<seconds>[\d.]+))?@(?P<rounds>\*|(?P<first>\d+)(-(?P<last>\d+))?):(?P<client>.+)")


class InjectedCrash(RuntimeError):  # noqa: N818 - it is a crash, not an error of this program
    """A client crashes because the plan says so."""


@dataclass(frozen=True)
class Fault:
    """One fault of a plan.

    Attributes
    ----------
    kind : {"drop", "crash", "nan", "corrupt", "slow"}
        What happens.
    first, last : int
        The rounds in which it happens.
    client : str
        To whom: an id, "#0" for the first that was sampled, or "*".
    seconds : float
        How long a slow client waits.
    """

    kind: str
    first: int
    last: int
    client: str
    seconds: float = 0.0

    def strikes(self, round: int, client: str, place: int) -> bool:
        """Whether the fault meets this client, which was sampled at this place (counted from 0) of this round."""
        return self.first <= round <= self.last and self.client in ("*", client, f"#{place}")


def parse_faults(plan: str) -> tuple[Fault, ...]:
    """Read a plan.

    Parameters
    ----------
    plan : str
        Faults between commas; empty for none.

    Raises
    ------
    ConfigError
        A fault cannot be read.

    Examples
    --------
    >>> faults = parse_faults("nan@3:#0, slow=0.5@2-4:writer")
    >>> [fault.kind for fault in faults if fault.strikes(3, "writer", place=0)]
    ['nan', 'slow']
    """
    return tuple(_parse(part.strip()) for part in plan.split(",") if part.strip())


def _parse(text: str) -> Fault:
    match = FORM.fullmatch(text)
    if match is None:
        raise ConfigError(f"inject is {text!r}, expected KIND@ROUNDS:CLIENT such as nan@3:#0 or slow=2@1-5:*")
    kind = match["kind"]
    if kind not in KINDS:
        raise ConfigError(f"inject: {unknown(kind, KINDS)}")
    if (kind == "slow") != (match["seconds"] is not None):
        raise ConfigError(f"inject is {text!r}; slow, and only slow, takes seconds: slow=2@1-5:*")
    first, last = (1, 10**9) if match["rounds"] == "*" else (int(match["first"]), int(match["last"] or match["first"]))
    try:
        seconds = float(match["seconds"] or 0)
    except ValueError:
        raise ConfigError(f"inject is {text!r}: {match['seconds']!r} is not a number of seconds") from None
    return Fault(kind, first, last, match["client"], seconds)
