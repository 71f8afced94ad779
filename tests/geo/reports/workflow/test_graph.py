"""The table of moves: where each leads, and that none leads out of it."""

from datetime import UTC, datetime, timedelta

import pytest

from geo.errors import Conflict, NotAllowed
from geo.reports.workflow import graph as workflow
from geo.reports.workflow.graph import CITIZEN, MOVES, TIMER
from geo.store.tables.reports import OPEN_STATUSES, STATUSES
from geo.store.tables.users import ROLES


def test_every_status_is_reached_and_every_open_one_left():
    assert {move.end for move in MOVES.values()} | {"received"} == set(STATUSES)
    for status in OPEN_STATUSES:
        assert {"resolve", "withdraw"} <= set(workflow.allowed(status, [*ROLES, CITIZEN]))
    assert workflow.allowed("withdrawn", [*ROLES, CITIZEN, TIMER]) == ()


def test_every_move_is_known_by_states_and_people():
    for name, move in MOVES.items():
        assert set() < set(move.starts) <= set(STATUSES), name
        assert set() < set(move.by) <= {*ROLES, CITIZEN, TIMER}, name
        assert workflow.require(name, move.starts[0], move.by[:1]) is move


@pytest.mark.parametrize("name", MOVES)
def test_a_forbidden_move_names_the_allowed_ones(name):
    move = MOVES[name]
    for status in set(STATUSES) - set(move.starts):
        with pytest.raises(Conflict) as refused:
            workflow.require(name, status, move.by)
        can = refused.value.facts["allowed"]
        assert name not in can
        assert refused.value.facts["status_now"] == status
        for other in can:
            assert workflow.require(other, status, move.by)
            assert other in refused.value.detail


def test_who_may_not_is_told_so_whatever_the_status():
    for status in STATUSES:
        with pytest.raises(NotAllowed, match="citizen"):
            workflow.require("confirm", status, ROLES)
        with pytest.raises(NotAllowed):
            workflow.require("reject", status, ["crew"])
        with pytest.raises(NotAllowed):
            workflow.require("assign", status, ["planner", CITIZEN, TIMER])


def test_what_was_resolved_is_reopened_for_fourteen_days():
    ended = datetime(2026, 11, 1, tzinfo=UTC)
    assert workflow.is_reopenable(ended, ended + timedelta(days=14) - timedelta(seconds=1))
    assert not workflow.is_reopenable(ended, ended + timedelta(days=14))
