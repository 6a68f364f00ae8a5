"""What goes over the wire: exact money, strict fields, and frames that fold to the state they came from."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from qkt.runtime.control.app import encode
from qkt.runtime.control.commands import COMMAND, Stop
from qkt.runtime.control.frames import FRAME, Delta, Snapshot, Tables, difference, fold, table
from tests.runtime.control.fake import NOW, fill, market, position, strategy

names = st.sampled_from(["a", "b", "c", "d"])
money = st.decimals(min_value=-1000, max_value=1000, places=2)


@st.composite
def states(draw, version):
    tables = Tables(
        strategies=table(strategy(name, equity=draw(money)) for name in draw(st.sets(names))),
        positions=table(position(name, leg, pnl=draw(money)) for name, leg in draw(st.sets(st.tuples(names, names)))),
        market=table(market(name, str(draw(money))) for name in draw(st.sets(names))),
        fills=table(fill("a", number) for number in draw(st.sets(st.integers(1, 5)))),
    )
    return Snapshot(version=version, ts=NOW + version, tables=tables)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_snapshot_and_its_deltas_fold_to_the_later_snapshot(data):
    before = state = data.draw(states(1))
    for version in range(2, 5):
        after = data.draw(states(version))
        sent = FRAME.validate_json(encode(difference(before, after)))
        assert isinstance(sent, Delta)
        state = fold(state, sent)
        assert state == after
        before = after


@settings(max_examples=25, deadline=None)
@given(states(1), states(2))
def test_a_delta_names_exactly_what_differs(old, new):
    delta = difference(old, new)
    for name in Tables.model_fields:
        before, after = old.tables.of(name), new.tables.of(name)
        assert set(delta.rows.of(name)) == {key for key in after if before.get(key) != after[key]}
        assert set(delta.gone.get(name, ())) == set(before) - set(after)


def test_a_delta_of_another_state_is_refused():
    states_ = [Snapshot(version=version, ts=NOW, tables=Tables()) for version in (1, 2, 3)]
    with pytest.raises(ValueError, match="from version 2 does not fit a state of version 1"):
        fold(states_[0], difference(states_[1], states_[2]))


def test_money_is_exact_text_and_never_a_float():
    sent = json.loads(strategy("a", equity=Decimal("1E+4"), realised=Decimal("0.10")).model_dump_json())
    assert (sent["equity"], sent["realised"]) == ("10000", "0.10")
    with pytest.raises(ValidationError, match="exact value"):
        strategy("a", equity=10.5)


@pytest.mark.parametrize("name", ["../evil", "a/b/c", "a b", "", "a" * 65, "/etc", "a/../b", "a\n"])
def test_a_name_that_could_leave_its_folder_is_refused(name):
    with pytest.raises(ValidationError):
        Stop(id="12345678", author="me", name=name)


def test_a_misspelt_field_is_refused():
    with pytest.raises(ValidationError, match="flaten"):
        COMMAND.validate_python({"command": "stop", "id": "12345678", "author": "me", "name": "a", "flaten": True})
