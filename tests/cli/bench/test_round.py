"""A traced round: its pieces add up, its shares are shares, and more workers on paper keep to what is possible."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minizerofl.fl.measures.clock import Span
from minizerofl_cli.bench.round_forecast import WORKERS, Work
from minizerofl_cli.bench.round_parts import SERVER, WORKER, TracedRound, cut

SERVERS, ALICE, BOB = (0, 0), (1, 1), (2, 2)
TREES = st.lists(st.recursive(st.just([]), lambda inner: st.lists(inner, max_size=3), max_leaves=6), max_size=3)
SECONDS = st.floats(0, 100, allow_subnormal=False)
WORKS = st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=8).flatmap(
    lambda pairs: st.builds(
        Work,
        before=SECONDS,
        entry=SECONDS,
        turns=st.just(tuple(turn for turn, _ in pairs)),
        folds=st.just(tuple(fold for _, fold in pairs)),
        after=st.floats(0.001, 100),
        evaluations=st.lists(SECONDS, max_size=5).map(tuple),
    )
)


def spans_of(trees: list, lane: tuple[int, int], clock: Iterator[int], client: str = "") -> Iterator[Span]:
    """Turn trees into spans, each of which begins and ends at a tick of its own; the inner ones come first."""
    for tree in trees:
        began = next(clock)
        yield from spans_of(tree, lane, clock)
        ended = next(clock)
        yield Span("part", client, lane, began, ended, (ended - began) / 2)


@given(TREES, TREES)
def test_the_pieces_of_a_lane_add_up_to_its_outermost_spans(one: list, other: list) -> None:
    lanes = {ALICE: list(spans_of(one, ALICE, iter(range(1000)))), BOB: list(spans_of(other, BOB, iter(range(1000))))}
    pieces = cut([span for spans in lanes.values() for span in spans], [ALICE])
    for lane, spans in lanes.items():
        own = [each for each in pieces if each.span.lane == lane]
        assert len(own) == len(spans)
        assert all(each.wall >= 1 and each.cpu == each.wall / 2 for each in own)
        assert {each.place for each in own} <= {WORKER if lane == ALICE else SERVER}
        outermost = [each.span for each in own if not each.outer]
        assert sum(each.wall for each in own) == sum(span.ended - span.began for span in outermost)


@given(TREES)
def test_what_is_within_a_turn_belongs_to_its_client(trees: list) -> None:
    ticks = iter(range(1000))
    spans = [span for tree in trees for span in spans_of([tree], ALICE, ticks, client=f"client {id(tree)}")]
    for piece in cut(spans, [ALICE]):
        (around,) = (span for span in spans if span.client and span.began <= piece.span.began <= span.ended)
        assert piece.client == around.client


@given(TREES, TREES)
def test_the_shares_of_a_round_add_up_to_one(one: list, other: list) -> None:
    spans = [*spans_of(one, ALICE, iter(range(1, 100))), *spans_of(other, BOB, iter(range(1, 100)))]
    end = max([1, *(span.ended for span in spans)])
    server = [Span("round", "", SERVERS, 0, end, 1), Span("files", "", SERVERS, end, end + 1, 1)]
    traced = TracedRound(None, [*spans, *server], [ALICE, BOB])
    assert sum(traced.share_with(busy) for busy in range(3)) == pytest.approx(1)
    both = sum(traced.idle(lane) for lane in traced.workers)
    assert both == pytest.approx(2 * traced.share_with(0) + traced.share_with(1))
    assert traced.share_with(0) > 0


@given(WORKS)
def test_amdahl_begins_at_one_and_stays_below_its_limit(work: Work) -> None:
    speeds = [work.amdahl(workers) for workers in WORKERS]
    assert speeds[0] == pytest.approx(1)
    assert speeds == sorted(speeds)
    assert speeds[-1] <= 1 / work.serial_share * (1 + 1e-9)


@given(WORKS)
def test_more_workers_are_never_slower_on_paper_and_never_too_fast(work: Work) -> None:
    seconds = [work.seconds(workers) for workers in WORKERS]
    tolerance = 1e-9 * seconds[0]
    assert all(after <= before + tolerance for before, after in pairwise(seconds))
    assert (
        seconds[0]
        <= work.before + work.entry + sum((*work.turns, *work.folds, work.after, *work.evaluations)) + tolerance
    )
    ends = max(work.evaluations, default=0) + work.after
    assert seconds[-1] >= work.before + work.entry + max(work.turns) + ends - tolerance
    assert seconds[-1] >= work.before + sum(work.folds) + ends - tolerance
    for workers, each in zip(WORKERS, seconds, strict=True):
        assert each >= (sum(work.turns) + sum(work.evaluations)) / workers - tolerance


def test_the_longest_client_goes_first() -> None:
    """In the order of sampling, two workers would need 2 + 6."""
    assert Work(0, 0, (2, 2, 2, 6), (0,) * 4, 0, ()).seconds(2) == 6
