"""From the quote currency to the account's."""

from decimal import Decimal

import pytest

from qkt.core.errors import InstrumentError
from qkt.core.instruments import Instrument
from tests.ledger.bench import Bench
from tests.market import instrument


def pound_cross() -> dict[str, Instrument]:
    return {"EURGBP": instrument("EURGBP", contract_size=Decimal(100), quote_currency="GBP")}


def cross(currency: str, market: str) -> Bench:
    return Bench(symbols=("SIM:EURGBP",), terms=pound_cross(), currency=currency, markets=(market,))


def test_profit_is_sold_at_the_bid_and_a_loss_bought_at_the_ask() -> None:
    bench = cross("USD", "SIM:GBPUSD")
    bench.price("1.24", "1.26", symbol="SIM:GBPUSD")
    bench.buy(1, 80)
    bench.sell(1, 81)
    bench.buy(1, 81)
    bench.sell(1, 80)
    assert [row.realized for row in bench.books.trades] == [0, 124, 0, -126]
    assert [row.native_gross for row in bench.books.trades] == [0, 100, 0, -100]
    assert [row.fx_rate for row in bench.books.trades if row.closed] == [Decimal("1.24"), Decimal("1.26")]


def test_an_inverse_market_converts_at_the_other_side() -> None:
    bench = cross("JPY", "SIM:JPYGBP")
    bench.price("0.005", "0.008", symbol="SIM:JPYGBP")
    bench.buy(1, 80)
    bench.sell(1, 81)
    bench.buy(1, 81)
    bench.sell(1, 80)
    assert [row.realized for row in bench.books.trades if row.closed] == [12_500, -20_000]


def test_what_is_open_is_valued_in_the_middle() -> None:
    bench = cross("USD", "SIM:GBPUSD")
    bench.price("1.24", "1.26", symbol="SIM:GBPUSD")
    bench.buy(1, 80)
    bench.price(81)
    assert bench.books.unrealized() == 125
    assert bench.converter.used == []


def test_every_used_rate_is_listed_with_time_and_source() -> None:
    bench = cross("USD", "SIM:GBPUSD")
    bench.price("1.24", "1.26", symbol="SIM:GBPUSD")
    bench.buy(1, 80)
    closed = bench.sell(1, 81)
    bench.price(80)
    bench.sell(1, 81)
    bench.books.unrealized(at=99_000_000)
    listed = [(use.timestamp, use.currency, use.account, use.rate, use.source) for use in bench.converter.used]
    assert listed == [
        (closed.at, "GBP", "USD", Decimal("1.24"), "SIM:GBPUSD"),
        (99_000_000, "GBP", "USD", Decimal("1.25"), "SIM:GBPUSD"),
    ]


def test_the_traded_symbol_converts_with_the_price_of_the_fill() -> None:
    yen = instrument("USDJPY", contract_size=Decimal(100_000), quote_currency="JPY")
    bench = Bench(symbols=("SIM:USDJPY",), terms={"USDJPY": yen})
    bench.price("147", "149")
    bench.buy("0.20", "148.15")
    bench.sell("0.20", "148.50")
    row = bench.books.trades[-1]
    assert (row.native_gross, row.native_currency) == (7_000, "JPY")
    assert row.realized == Decimal("47.13804714")


@pytest.mark.parametrize(
    ("symbol", "quote", "account", "market"),
    [
        ("SIM:BTCUSDT", "USDT", "USD", None),
        ("SIM:BTCUSD", "USD", "USDC", None),
        ("SIM:BTCUSDT", "USDT", "EUR", "SIM:EURUSD"),
        ("SIM:EURGBP", "GBP", "USDT", "SIM:GBPUSD"),
    ],
)
def test_dollars_and_their_stable_coins_are_one_family(symbol: str, quote: str, account: str, market: str | None) -> None:
    name = symbol.rpartition(":")[2]
    markets = (market,) if market else ()
    bench = Bench(symbols=(symbol,), terms={name: instrument(name, quote_currency=quote)}, currency=account, markets=markets)
    assert bench.converter.missing(symbol) is None
    assert bench.converter.is_one(symbol) is (market is None)


def test_without_a_path_nothing_is_booked_one_to_one() -> None:
    bench = Bench(symbols=("SIM:EURGBP",), terms=pound_cross())
    assert bench.converter.missing("SIM:EURGBP") == "GBPUSD"
    with pytest.raises(InstrumentError, match="no rate from GBP to USD; give the data of GBPUSD or USDGBP too"):
        bench.buy(1, 80)


def test_before_the_first_rate_of_its_path_a_fill_cannot_be_booked() -> None:
    bench = cross("USD", "SIM:GBPUSD")
    with pytest.raises(InstrumentError, match=r"no rate from GBP to USD yet.*give data of GBPUSD that begins earlier"):
        bench.buy(1, 80)
    assert bench.legs() == []
