"""Instruments: layers, the user's file, quantities."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from qkt.core.errors import InstrumentError
from qkt.core.instruments import Instrument, InstrumentRegistry, quote_code, read_instruments

ENTRY = {"symbol": "XAUUSD", "contract_size": "100", "digits": 2, "volume_step": "0.1", "volume_min": "0.2"}


def write(tmp_path: Path, *entries: object, name: str = "instruments.json", **more: object) -> Path:
    path = tmp_path / name
    path.write_text(json.dumps({"instruments": list(entries), **more}))
    return path


def test_the_built_in_table_knows_majors_and_metals() -> None:
    registry = InstrumentRegistry.standard()
    assert registry.resolve("EXNESS:EURUSD").contract_size == 100_000
    assert registry.resolve("USDJPY").digits == 3
    assert registry.resolve("XAUUSD").contract_size == 100
    assert registry.resolve("XAGUSD").point_size == Decimal("0.001")


def test_the_users_file_goes_ahead_of_the_table(tmp_path: Path) -> None:
    registry = InstrumentRegistry.load(write(tmp_path, ENTRY))
    assert registry.resolve("ANY:XAUUSD").volume_step == Decimal("0.1")
    assert registry.resolve("ANY:XAUUSD").point_size == Decimal("0.01")
    assert registry.resolve("ANY:EURUSD").volume_step == Decimal("0.01")


def test_a_qualified_entry_is_for_its_venue_only(tmp_path: Path) -> None:
    registry = InstrumentRegistry.load(write(tmp_path, ENTRY | {"symbol": "A:XAUUSD"}))
    assert registry.resolve("A:XAUUSD").volume_step == Decimal("0.1")
    assert registry.resolve("B:XAUUSD").volume_step == Decimal("0.01")


def test_toml_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "instruments.toml"
    path.write_text('[[instruments]]\nsymbol = "US500"\ncontract_size = "1"\ndigits = 1\nquote_currency = "USD"\n')
    assert read_instruments(path)["US500"].point_size == Decimal("0.1")


def test_an_unknown_fiat_quoted_symbol_is_refused_and_a_coin_defaults_to_one() -> None:
    registry = InstrumentRegistry.standard()
    with pytest.raises(InstrumentError, match="no instrument data for X:PLNUSD"):
        registry.resolve("X:PLNUSD")
    assert registry.resolve("X:BTCUSDT").contract_size == 1
    assert registry.resolve("X:ODDTHING").contract_size == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (ENTRY | {"contract_size": "0"}, "XAUUSD contract_size"),
        (ENTRY | {"contract_size": "NaN"}, "XAUUSD contract_size"),
        (ENTRY | {"comission_per_lot": "1"}, "did you mean 'commission_per_lot'"),
        (ENTRY | {"swap_triple_day": "SUNDAY"}, "expected one of MONDAY"),
        ({"symbol": "A"}, "A contract_size: Field required"),
        ("text", "entry 1"),
    ],
)
def test_a_bad_entry_is_named_with_its_field(tmp_path: Path, entry: object, said: str) -> None:
    path = write(tmp_path, entry)
    with pytest.raises(InstrumentError, match=said) as caught:
        InstrumentRegistry.load(path)
    assert str(caught.value).startswith(str(path))


def test_a_symbol_may_stand_only_once(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match="XAUUSD stands twice"):
        read_instruments(write(tmp_path, ENTRY, ENTRY))


def test_missing_and_malformed_files_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match="cannot be read"):
        read_instruments(tmp_path / "none.json")
    bad = tmp_path / "bad.json"
    bad.write_bytes(b"\xff\x00")
    with pytest.raises(InstrumentError, match="is not valid JSON"):
        read_instruments(bad)


def test_quantities_round_down_and_too_small_is_a_refusal_never_a_bump(tmp_path: Path) -> None:
    gold = read_instruments(write(tmp_path, ENTRY | {"volume_max": "5"}))["XAUUSD"]
    assert gold.quantize(Decimal("0.39")) == Decimal("0.3")
    assert gold.refusal(gold.quantize(Decimal("0.29"))) is None
    assert "below the minimum" in (gold.refusal(gold.quantize(Decimal("0.19"))) or "")
    assert "below the minimum" in (gold.refusal(gold.quantize(Decimal("0.05"))) or "")
    assert "above the maximum" in (gold.refusal(Decimal("5.1")) or "")


@pytest.mark.parametrize(
    ("symbol", "code"),
    [("A:BTCUSDT", "USDT"), ("EURUSD", "USD"), ("GBPJPY", "JPY"), ("USD", None), ("DAX40", None), ("btcusdc", "USDC")],
)
def test_the_quote_currency_is_the_trailing_code(symbol: str, code: str | None) -> None:
    assert quote_code(symbol) == code


def test_an_instrument_is_a_value() -> None:
    assert InstrumentRegistry.standard().resolve("EURUSD") == InstrumentRegistry.standard().resolve("EURUSD")
    assert isinstance(InstrumentRegistry.standard().resolve("EURUSD"), Instrument)
