"""Call shapes and numbers of the package, made by hand and unproven: a change of the adapter that leaves them must be meant."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from qkt.brokers.dispatch import Act, Report, Request, What
from qkt.brokers.mt5.codes import Meaning, meaning
from qkt.brokers.mt5.constants import Code, Filling
from qkt.brokers.mt5.feed import Cursor, tick_of
from qkt.brokers.mt5.names import Names
from qkt.brokers.mt5.native import NativeTerminal
from qkt.brokers.mt5.recording import missing, record
from qkt.brokers.mt5.records import LastTick, Symbol, TickRow
from qkt.brokers.mt5.server_time import ServerClock
from qkt.brokers.mt5.shaping import Shaper, UnfitError, fillings
from qkt.brokers.mt5.simulator import Faults, SimSymbol, SimulatedPackage, Venue
from qkt.brokers.mt5.simulator.faults import ReadFault
from qkt.brokers.mt5.terminal import TerminalError
from qkt.brokers.mt5.tokens import found, token
from qkt.core.errors import InstrumentError
from qkt.core.terms import OrderKind, Side, TimeInForce

NOW = 1_704_880_800_000
QUOTE = LastTick(NOW, 100.0, 100.02, 0.0)
SHAPER = Shaper(ServerClock("new_york_close"), 10001, 20)


def package(**faults: Any) -> SimulatedPackage:
    venue = Venue([SimSymbol("GOLDm", digits=2, base="GOLD", stops_level=5)])
    venue.quote("GOLDm", NOW, Decimal("100.00"), Decimal("100.02"))
    simulated = SimulatedPackage(venue, **faults)
    simulated.initialize()
    return simulated


def gold() -> Symbol:
    symbol = NativeTerminal(package()).symbol_info("GOLDm")
    assert symbol is not None
    return symbol


def request(act: Act, **values: Any) -> Request:
    return Request("abcdef-1", act, "o", "SIM:GOLD", Side.BUY, Decimal("0.3"), **values)


def shaped(asked: Request, symbol: Symbol | None = None) -> Any:
    return SHAPER.shape(asked, symbol or gold(), QUOTE, Filling.IOC, NOW)


def test_a_market_order_carries_the_ask_its_token_and_its_first_stop() -> None:
    assert shaped(request(Act.OPEN, sl=Decimal("99.004"))) == {
        "action": 1,
        "symbol": "GOLDm",
        "volume": 0.3,
        "type": 0,
        "price": 100.02,
        "deviation": 20,
        "magic": 10001,
        "comment": "abcdef-1",
        "type_time": 0,
        "type_filling": 1,
        "sl": 99.0,
    }
    assert shaped(request(Act.CLOSE, position=7))["position"] == 7


def test_a_pending_order_expires_in_the_servers_time() -> None:
    asked = request(
        Act.PLACE, kind=OrderKind.STOP_LIMIT, stop=Decimal("101"), limit=Decimal("101.5"), expires_at=NOW + 3_600_000
    )
    sent = shaped(asked)
    assert (sent["action"], sent["type"], sent["price"], sent["stoplimit"], sent["type_filling"]) == (5, 6, 101.0, 101.5, 2)
    assert (sent["type_time"], sent["expiration"]) == (2, (NOW + 3_600_000) // 1000 + 2 * 3600)


def test_levels_orders_and_pairs() -> None:
    assert shaped(request(Act.PROTECT, position=7, tp=Decimal("103.126"))) == {
        "action": 6,
        "symbol": "GOLDm",
        "position": 7,
        "sl": 0.0,
        "tp": 103.13,
    }
    assert shaped(request(Act.REMOVE, ticket=9)) == {"action": 8, "order": 9}
    moved = shaped(request(Act.MOVE, ticket=9, kind=OrderKind.LIMIT, limit=Decimal("99.5"), sl=Decimal("99")))
    assert moved == {"action": 7, "order": 9, "symbol": "GOLDm", "price": 99.5, "type_time": 0, "sl": 99.0}
    pair = shaped(request(Act.CLOSE_BY, position=7, other=8))
    assert (pair["action"], pair["position"], pair["position_by"]) == (10, 7, 8)


@pytest.mark.parametrize(
    "asked",
    [
        request(Act.OPEN, sl=Decimal("99.98")),
        request(Act.OPEN, sl=Decimal("101")),
        request(Act.PLACE, kind=OrderKind.LIMIT, limit=Decimal("100.02")),
        request(Act.PLACE, kind=OrderKind.STOP, stop=Decimal("100.05")),
        request(Act.PLACE, kind=OrderKind.LIMIT, limit=Decimal("99"), expires_at=NOW + 1_000),
    ],
    ids=["stop too near", "stop on the wrong side", "limit beyond the market", "stop too near the market", "deadline too near"],
)
def test_what_the_server_would_refuse_does_not_leave(asked: Request) -> None:
    with pytest.raises(UnfitError):
        shaped(asked)


@pytest.mark.parametrize(
    ("bits", "execution", "tif", "ways"),
    [
        (3, 2, TimeInForce.GTC, [1, 0]),
        (1, 2, TimeInForce.GTC, [0]),
        (2, 2, TimeInForce.FOK, []),
        (3, 1, TimeInForce.GTC, [0, 2]),
        (2, 3, TimeInForce.GTC, [2, 1]),
    ],
)
def test_ways_of_filling_are_not_the_bits_that_allow_them(bits: int, execution: int, tif: TimeInForce, ways: list[int]) -> None:
    symbol = replace(gold(), filling_mode=bits, trade_exemode=execution)
    assert list(fillings(request(Act.OPEN, tif=tif), symbol)) == ways


def test_every_code_has_a_meaning_and_an_unknown_one_says_nothing() -> None:
    assert {code: meaning(code) for code in (10008, 10009, 10010, 10025)} == dict.fromkeys(
        (10008, 10009, 10010, 10025), Meaning.DONE
    )
    assert {meaning(code) for code in (10011, 10012, 10031, 12345, 0)} == {Meaning.UNKNOWN}
    assert [meaning(code) for code in (10004, 10030, 10018, 10027, 10019)] == [
        Meaning.REPRICE,
        Meaning.FILLING,
        Meaning.CLOSED,
        Meaning.BARRED,
        Meaning.REFUSED,
    ]
    unknown = {Code.ERROR, Code.TIMEOUT, Code.CONNECTION}
    assert all(meaning(code) is not Meaning.UNKNOWN for code in Code if code not in unknown)


def test_the_package_takes_only_what_it_knows_and_none_is_never_empty() -> None:
    simulated = package()
    assert simulated.order_send({"action": 1, "what": 2}) is None
    assert simulated.last_error()[0] == -2
    assert simulated.order_send({"action": 8, "order": 1, "comment": "x" * 32}) is None
    assert simulated.positions_get() == ()
    terminal = NativeTerminal(package(faults=Faults(read={ReadFault.NONE: 1.0})))
    for name in ("positions_get", "orders_get", "account_info"):
        with pytest.raises(TerminalError):
            getattr(terminal, name)()
    fresh = SimulatedPackage(Venue([SimSymbol("GOLDm")]))
    with pytest.raises(TerminalError) as failure:
        NativeTerminal(fresh).positions_get()
    assert failure.value.link


def test_a_recording_says_which_fields_are_missing() -> None:
    simulated = package()
    simulated.venue.execute({"action": 1, "symbol": "GOLDm", "volume": 0.01, "type": 0, "type_filling": 1})
    recorded = record(simulated, "GOLDm", 0, NOW // 1000 + 86_400)
    assert missing(recorded) == []
    assert recorded["calls"]["account_info"]["result"]["login"] == "hidden"
    del recorded["calls"]["history_deals_get"]["result"][0]["fee"]
    assert missing(recorded) == ["history_deals_get.fee"]


def test_ticks_are_read_without_loss_and_without_doubles() -> None:
    simulated = package(faults=Faults(3, read={ReadFault.TWICE: 0.5}))
    terminal, cursor = NativeTerminal(simulated), Cursor("SIM:GOLD")
    terminal.symbol_select("GOLDm")
    seen = cursor.read(terminal, "GOLDm")
    prices = [Decimal(n).scaleb(-2) for n in range(10_001, 10_600)]
    for n, bid in enumerate(prices):
        simulated.venue.quote("GOLDm", NOW + 1 + n // 7 * 3, bid, bid + 1)  # seven ticks in a millisecond
        if n % 40 == 0:
            seen += cursor.read(terminal, "GOLDm")
    seen += cursor.read(terminal, "GOLDm")
    assert [row.bid for row in seen] == [100.0, *map(float, prices)]
    tick = tick_of("SIM:GOLD", TickRow(NOW, 100.0, 101.0, 0.0, 0, 134), ServerClock())
    assert tick is not None
    assert (tick.price, tick.bid, tick.ask, tick.ts) == (100.5, 100.0, 101.0, NOW)


@pytest.mark.parametrize("zone", ["UTC", "new_york_close", "Europe/Athens", "Asia/Kolkata"])
def test_server_time_goes_there_and_back_across_a_year(zone: str) -> None:
    clock = ServerClock(zone)
    for utc in range(NOW, NOW + 366 * 86_400_000, 5_400_000):
        back = clock.to_utc(clock.to_server(utc))
        assert back == utc or back - utc == 3_600_000  # the hour that a clock shows twice
    assert ServerClock("new_york_close").to_server(NOW) - NOW == 2 * 3_600_000  # January
    assert ServerClock("new_york_close").to_server(NOW + 180 * 86_400_000) - NOW - 180 * 86_400_000 == 3 * 3_600_000


def test_names_and_tokens() -> None:
    names = Names("exness", "m", {"NAS100": "USTEC"})
    assert [names.theirs(one) for one in ("EXNESS:XAUUSD", "EXNESS:NAS100")] == ["XAUUSDm", "USTECm"]
    assert names.ours("USTECm") == "EXNESS:NAS100"
    with pytest.raises(InstrumentError, match="both USTECm"):
        names.theirs("EXNESS:USTEC")
    assert len(token("abcdef", 36**8 - 1)) == 15
    assert found("abcdef-1z", "abcdef") == "abcdef-1z"
    assert found("abcdef-1z|more", "abcdef") == "abcdef-1z"
    assert found("abcdeg-1z", "abcdef") == found("[sl 1.08]", "abcdef") == ""


def test_reports_and_requests_survive_being_written_down() -> None:
    asked = request(Act.PLACE, kind=OrderKind.STOP, stop=Decimal("1.10"), expires_at=5, tif=TimeInForce.GTD)
    assert Request.from_json(asked.as_json()) == asked
    told = Report(What.DEAL, 5, "abcdef-1", "SIM:GOLD", 1, 2, 3, Side.SELL, "out", "sl", Decimal("0.30"), Decimal("99.5"))
    assert Report.from_json(told.as_json()) == told
