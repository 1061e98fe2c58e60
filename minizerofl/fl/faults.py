"""Faults on purpose: clients that vanish, crash, are slow or send garbage, in rounds that are known beforehand.

A plan is text, faults between commas, each ``KIND@ROUNDS:CLIENT``:

========  ==================================================================================
KIND      ``drop`` (never answers), ``crash`` (fails in training), ``nan`` (learns from NaN and sends it),
          ``corrupt`` (one byte of its message is changed), ``corrupt-down`` (one byte of the server's message to it
          is changed), ``slow=SECONDS`` (waits before it trains)
ROUNDS    ``3``, ``3-5`` or ``*`` for all
CLIENT    a client's id, ``#0`` for the first that was sampled in the round, ``*`` for all
========  ==================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from minizerofl.fl.errors import ConfigError
from minizerofl.registry import unknown

LAST_ROUND = 999_999_999
LONGEST_WAIT = 10**6  # seconds
KINDS = ("drop", "crash", "nan", "corrupt", "corrupt-down", "slow")
FORM = re.compile(
    r"(?P<kind>[\w-]+)(=(?P<seconds>[\d.]+))?@(?P<rounds>\*|(?P<first>\d+)(-(?P<last>\d+))?):(?P<client>.+)"
)


class InjectedCrash(RuntimeError):  # noqa: N818 - it is a crash, not an error of this program
    """A client crashes because the plan says so."""


@dataclass(frozen=True)
class Fault:
    """One fault of a plan.

    Attributes
    ----------
    kind : {"drop", "crash", "nan", "corrupt", "corrupt-down", "slow"}
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

    def can_strike(self, rounds: int, clients: Collection[str], clients_per_round: int) -> bool:
        """Whether there is such a round and such a client in a run.

        Examples
        --------
        >>> [fault.can_strike(10, ["a", "b"], 2) for fault in parse_faults("nan@3:a, nan@11:a, nan@3:c, nan@3:#2")]
        [True, False, False, False]
        """
        anyone = ("*", *(f"#{place}" for place in range(clients_per_round)))
        return max(1, self.first) <= min(self.last, rounds) and (self.client in anyone or self.client in clients)

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
    return tuple(map(_parse, fault_texts(plan)))


def fault_texts(plan: str) -> list[str]:
    """Return the text of each fault of a plan.

    Examples
    --------
    >>> fault_texts("nan@3:#0, slow=0.5@2-4:writer")
    ['nan@3:#0', 'slow=0.5@2-4:writer']
    """
    return [part.strip() for part in plan.split(",") if part.strip()]


def _parse(text: str) -> Fault:
    match = FORM.fullmatch(text)
    if match is None:
        raise ConfigError(f"inject is {text!r}, expected KIND@ROUNDS:CLIENT such as nan@3:#0 or slow=2@1-5:*")
    kind = match["kind"]
    if kind not in KINDS:
        raise ConfigError(f"inject: {unknown(kind, KINDS)}")
    if (kind == "slow") != (match["seconds"] is not None):
        raise ConfigError(f"inject is {text!r}; slow, and only slow, takes seconds: slow=2@1-5:*")
    try:
        seconds = float(match["seconds"] or 0)
    except ValueError:
        seconds = LONGEST_WAIT + 1
    if seconds > LONGEST_WAIT:
        raise ConfigError(f"inject is {text!r}: {match['seconds']!r} is not a number of seconds up to {LONGEST_WAIT:,}")
    if match["rounds"] == "*":
        return Fault(kind, 1, LAST_ROUND, match["client"], seconds)
    ends = match["first"], match["last"] or match["first"]
    if max(map(len, ends)) > len(str(LAST_ROUND)):
        raise ConfigError(f"inject is {text!r}, expected rounds up to {LAST_ROUND:,}")
    return Fault(kind, int(ends[0]), int(ends[1]), match["client"], seconds)
