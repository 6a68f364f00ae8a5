"""`qkt.toml`: found in order, refused with a suggestion, and silent about secrets."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path

import pytest

from qkt.brokers.paper import ExecutionSettings
from qkt.config import ConfigError, Execution, Risk, configured_state, find, load_config, shown
from qkt.portfolio import BookSettings, ExposureCaps, Method, Rung
from qkt.risk import OrderLimits, RiskLimits, limits_from_json, limits_json


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A working folder and a configuration folder without a file, and an environment without our names."""
    for name in ("QKT_CONFIG", "QKT_STATE_DIR", "QKT_ACCOUNT__BALANCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "etc"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_hold():
    config, path = load_config()
    assert (config.account.balance, path) == (Decimal(10_000), None)
    assert config.risk.limits() == RiskLimits()
    assert config.execution.settings() == ExecutionSettings()


def test_the_first_file_in_order_holds(home, monkeypatch):
    usual = write(home / "etc" / "qkt" / "qkt.toml", "")
    assert find() == usual
    write(home / "here" / "qkt.toml", "")
    assert find().resolve() == home / "here" / "qkt.toml"
    named = write(home / "named.toml", "")
    monkeypatch.setenv("QKT_CONFIG", str(named))
    assert find() == named
    given = write(home / "given.toml", "")
    assert find(given) == given


def test_where_the_state_is_can_be_told_by_a_file_that_is_not_sound(home, monkeypatch):
    """Who must stop an engine need not mend its file first, nor know its secrets."""
    write(home / "here" / "qkt.toml", 'state_dir = "${PLACE:-/srv}/qkt"\nnonsense = 1\n[alerts]\ntoken = "${NOT_SET}"\n')
    with pytest.raises(ConfigError):
        load_config()
    assert configured_state() == Path("/srv/qkt")
    monkeypatch.setenv("PLACE", "/mnt")
    assert configured_state() == Path("/mnt/qkt")
    monkeypatch.setenv("QKT_STATE_DIR", "/elsewhere")
    assert configured_state() == Path("/elsewhere")


@pytest.mark.parametrize(("text", "told"), [("state_dir = 3", "not a valid path"), ("state_dir = ", "is not TOML")])
def test_a_state_directory_that_is_no_path_is_refused(home, text, told):
    with pytest.raises(ConfigError, match=told):
        configured_state(write(home / "a.toml", text))


def test_no_file_names_no_state_directory():
    assert configured_state() is None


def test_a_named_file_must_exist(home):
    with pytest.raises(ConfigError, match="no such file"):
        load_config(home / "missing.toml")


def test_numbers_are_what_is_written(home):
    config, _ = load_config(write(home / "a.toml", "[account]\nbalance = 10000.10\n[risk]\nmax_quantity = 0.1\n"))
    assert config.account.balance == Decimal("10000.1")
    assert config.risk.limits().orders.max_quantity == Decimal("0.1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[account]\nbalanse = 1", r"unknown key 'balanse' in \[account\]; did you mean 'balance'\?"),
        ("[acount]\nbalance = 1", r"unknown key 'acount'; did you mean 'account'\?"),
        ("xyzzy = 1", "unknown key 'xyzzy', expected one of account, alerts, book_risk"),
        ("[account]\nbalance = -1", "account.balance: input should be greater than 0"),
        ("[observe]\nhost = '0.0.0.0'", "observe: serving on 0.0.0.0 needs a token of at least 16 characters"),
        ("[observe]\nheartbeat_url = 'x'", "observe.heartbeat_url: must begin with http"),
        ("[alerts.channels.ops]\nurl = 'json://x'\nevens = []", r"'evens' in \[alerts.channels.ops\]; did you mean 'events'"),
        ("[alerts]\nsummary = '24:00'", "alerts.summary: "),
        ("[account", "is not TOML"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(home, text, said):
    with pytest.raises(ConfigError, match=said):
        load_config(write(home / "a.toml", text))


def test_the_environment_is_put_in_after_parsing(home, monkeypatch):
    path = write(home / "a.toml", '[feed]\ntoken = "${TV_TOKEN}"\ndata = ["${WHERE:-/data}/x.csv"]\n')
    monkeypatch.setenv("TV_TOKEN", 'a"\nsource = "synthetic')
    config, _ = load_config(path)
    assert config.feed.token.get_secret_value() == 'a"\nsource = "synthetic'
    assert (config.feed.source, config.feed.data) == ("tradingview", ("/data/x.csv",))


def test_a_name_that_is_not_set_is_refused(home, monkeypatch):
    monkeypatch.delenv("TV_TOKEN", raising=False)
    with pytest.raises(ConfigError, match=r"feed.token: TV_TOKEN is not set in the environment"):
        load_config(write(home / "qkt.toml", '[feed]\ntoken = "${TV_TOKEN}"\n'))


def test_the_environment_wins_over_the_file(home, monkeypatch):
    monkeypatch.setenv("QKT_ACCOUNT__BALANCE", "5000")
    config, _ = load_config(write(home / "a.toml", '[account]\nbalance = 1\ncurrency = "EUR"\n'))
    assert (config.account.balance, config.account.currency) == (Decimal(5000), "EUR")


def test_secrets_are_not_shown(home):
    config, _ = load_config(write(home / "a.toml", '[feed]\ntoken = "hunter2"\n'))
    assert "hunter2" not in f"{shown(config)}{config!r}"
    with pytest.raises(ConfigError) as refused:
        load_config(write(home / "b.toml", '[feed]\ntoken = ["hunter2"]\n'))
    assert "hunter2" not in str(refused.value)


def test_sections_have_the_names_of_what_they_set():
    assert set(Risk.model_fields) >= {field.name for field in dataclasses.fields(OrderLimits)}
    assert set(Execution.model_fields) <= {field.name for field in dataclasses.fields(ExecutionSettings)}


def test_the_limits_of_the_page_about_risk_can_be_used(home):
    page = (Path(__file__).parents[1] / "docs" / "risk.md").read_text(encoding="utf-8")
    config, _ = load_config(write(home / "qkt.toml", page.split("```toml\n")[1].split("```")[0]))
    limits = config.risk.limits()
    assert (limits.losses.max_daily_loss, str(limits.day)) == (500, "17:00 America/New_York")
    own = limits.of("range_breakout")
    assert (own.losses.max_daily_loss, own.max_trades_per_day, own.cooldown_ms, own.cooldown_after) == (150, 12, 1_800_000, 2)
    assert limits.of("another").losses.max_daily_loss is None
    assert limits_from_json(json.loads(json.dumps(limits_json(limits)))) == limits


def test_the_example_of_the_page_can_be_used(home, monkeypatch):
    monkeypatch.delenv("TV_TOKEN", raising=False)
    page = (Path(__file__).parents[1] / "docs" / "control.md").read_text(encoding="utf-8")
    config, _ = load_config(write(home / "qkt.toml", page.split("```toml\n")[1].split("```")[0]))
    assert (config.risk.limits().orders.max_notional, config.execution.settings().latency) == (50_000, 250)


BOOK = """[book_risk]
capital = 50000
[book_risk.limits]
max_gross_exposure = 3
max_symbol_concentration = 0.5
[book_risk.allocation]
method = "ERC"
target_vol = 0.12
[[book_risk.de_risk.ladder]]
drawdown = 0.05
factor = 0.5
[[book_risk.de_risk.ladder]]
drawdown = 0.1
factor = 0
cooldown_bars = 20
"""


def test_the_book_of_portfolios_is_configured(home):
    write(home / "here" / "qkt.toml", BOOK)
    book = load_config()[0].book_risk.settings()
    assert (book.capital, book.method, book.target_vol, book.max_leverage) == (50000, Method.ERC, 0.12, 4.0)
    assert book.caps == ExposureCaps(gross=Decimal(3), concentration=Decimal("0.5"))
    assert book.ladder == (Rung(Decimal("0.05"), Decimal("0.5")), Rung(Decimal("0.1"), Decimal(0), 20))
    write(home / "here" / "qkt.toml", "")
    assert load_config()[0].book_risk.settings() == BookSettings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[book_risk.limits]\nmax_gross_exposure = 300000", "a multiple of the capital, more than 0 and at most 100"),
        ("[book_risk.limits]\nmax_net_exposure = 100.01", "a multiple of the capital"),
        ("[book_risk.limits]\nmax_gros_exposure = 3", "did you mean 'max_gross_exposure'?"),
        ('[book_risk.allocation]\nmethod = "RISK_PARITY"', "FIXED"),
        ("[[book_risk.de_risk.ladder]]\ndrawdown = 5\nfactor = 0.5", "drawdown"),
        (BOOK.replace("factor = 0\n", "factor = 0.8\n"), "a factor that is not larger"),
        (BOOK.replace("drawdown = 0.1\n", "drawdown = 0.05\n"), "each drawdown stands once"),
    ],
)
def test_a_book_that_does_not_fit_is_refused(home, text, said):
    write(home / "here" / "qkt.toml", text)
    with pytest.raises(ConfigError) as caught:
        load_config()
    assert said in str(caught.value)


def test_a_cap_of_exactly_a_hundred_times_the_capital_is_the_largest(home):
    write(home / "here" / "qkt.toml", "[book_risk.limits]\nmax_net_exposure = 100")
    assert load_config()[0].book_risk.settings().caps.net == 100
