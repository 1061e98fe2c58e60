"""The record of a round, put together from what took part in it."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from minizerofl.fl.aggregator import Aggregator
from minizerofl.fl.intake import Intake
from minizerofl.fl.measures.clock import timed
from minizerofl.fl.measures.costs import EffortMeter
from minizerofl.fl.measures.evaluator import Scores
from minizerofl.fl.measures.masks import mean_jaccard, union_density
from minizerofl.fl.measures.stopwatch import Stopwatch
from minizerofl.fl.payload import State, num_bytes
from minizerofl.fl.round import Round
from minizerofl.fl.turn import Turn


@timed("record")
def record(
    turn: Turn,
    state: State,
    sparse: Collection[str],
    aggregator: Aggregator,
    intake: Intake,
    scores: Scores,
    stopwatch: Stopwatch,
    meter: EffortMeter,
) -> Round:
    """Write down what a round did.

    Parameters
    ----------
    turn : Turn
        What the clients were given.
    state : State
        The global model after it.
    sparse : collection of str
        The names of the sparse layers' weights.
    aggregator, intake : Aggregator, Intake
        What the server added up, and what came of the clients.
    scores : Scores
        The evaluations.
    stopwatch, meter : Stopwatch, EffortMeter
        What the round took.
    """
    outcomes, dense_bytes, downlink = tuple(intake.outcomes), num_bytes(state), turn.downlink
    total_loss = sum((each.train_loss or 0.0) * each.num_samples for each in outcomes if each.status == "accepted")
    return Round(
        round=turn.round,
        lr=turn.lr,
        outcomes=outcomes,
        train_loss=total_loss / aggregator.num_samples,
        dense_bytes=dense_bytes * sum(outcome.uplink_bytes > 0 for outcome in outcomes),
        downlink_bytes=len(downlink.message) * len(outcomes),
        dense_downlink_bytes=dense_bytes * len(outcomes),
        downlink_parts=downlink.parts() * len(outcomes),
        downlink_encode_seconds=downlink.encode_seconds,
        kept={name: aggregator.share_sent([name]) for name in sparse},
        kept_fraction=aggregator.share_sent(sparse),
        density=density(state, sparse),
        client_overlap={
            name: (union_density(masks, state[name].size), mean_jaccard(masks)) for name, masks in intake.sent.items()
        },
        score=scores.test,
        dense_score=scores.dense,
        validation=scores.validation,
        train_seconds=stopwatch.seconds("training"),
        eval_seconds=stopwatch.seconds("evaluation"),
        aggregate_seconds=stopwatch.rest(),
        effort=meter.read(),
    )


def density(state: State, sparse: Collection[str]) -> float:
    """Return the share of the sparse layers' weights that is not zero; 1 without sparse layers.

    Examples
    --------
    >>> density({"a": np.array([1.0, 0.0]), "b": np.array([0.0, 0.0])}, ["a", "b"])
    0.25
    """
    weights = [state[name] for name in sparse]
    entries = sum(weight.size for weight in weights)
    return sum(int(np.count_nonzero(weight != 0)) for weight in weights) / entries if entries else 1.0
