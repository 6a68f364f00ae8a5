"""`qkt risk`, and a back-test that is held to a configuration."""

from __future__ import annotations

import pytest

LIMITS = """[risk]
max_drawdown_pct = 5
live_equity_basis = "modeled"
day_zone = "America/New_York"
day_starts = "17:00"

[risk.each_strategy]
max_trades_per_day = 8
cooldown_after_loss = "90m"

[risk.per_strategy.crosses]
max_position = 0.2
runaway_round_trips = 40
"""


@pytest.fixture
def limits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "limits.toml"
    path.write_text(LIMITS)
    return path


def test_every_limit_is_shown_with_where_it_is_written(qkt, strategy, limits):
    shown = qkt("risk", "show", strategy, "--config", limits, "--json").json
    found = {(row["binds"], row["key"]): (row["limit"], row["source"]) for row in shown["limits"]}
    assert (shown["day"], shown["live_equity_basis"]) == ("17:00 America/New_York", "modeled")
    assert found["account", "max_daily_loss"] == ("1000 USD", "default")
    assert found["account", "max_drawdown_pct"] == ("5 %", "[risk]")
    assert found["crosses", "max_trades_per_day"] == ("8", "[risk.each_strategy]")
    assert found["crosses", "cooldown_after_loss"] == ("90m", "[risk.each_strategy]")
    assert found["crosses", "max_position"] == ("0.2 lots", "[risk.per_strategy.crosses]")
    assert found["order", "max_notional"] == ("250000 USD", "default")
    assert found["crosses", "max_open_positions"] == (None, "default")
    assert found["crosses", "runaway_round_trips"] == ("40", "[risk.per_strategy.crosses]")
    assert found["crosses", "runaway_rejections"] == ("5", "default")


def test_a_strategy_is_looked_up_under_the_name_it_will_have(qkt, strategy, limits):
    shown = qkt("risk", "show", strategy, "--config", limits, "--as", "other").out
    assert "per_strategy" in shown  # the name in the file still counts
    text = limits.read_text().replace("per_strategy.crosses", "per_strategy.other")
    limits.write_text(text)
    assert "[risk.per_strategy.other]" in qkt("risk", "show", strategy, "--config", limits, "--as", "other").out
    assert "per_strategy" not in qkt("risk", "show", strategy, "--config", limits).out


def test_orders_are_tried_and_every_rule_that_refuses_is_told(qkt, strategy, limits):
    answer = qkt("risk", "test", strategy, "--config", limits, "--price", "1.1", "--order", "buy 0.2")
    assert (answer.code, answer.out) == (0, "passes   buy 0.2\n")
    answer = qkt("risk", "test", strategy, "--config", limits, "--price", "1.1", "--order", "sell 3 EURUSD at 2", "--json")
    assert answer.code == 1
    (tried,) = answer.json
    assert [reason.split()[0:2] for reason in tried["refused"]] == [
        ["position", "size"],
        ["order", "notional"],
        ["order", "price"],
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--order", "buy much", "--price", "1"], "cannot be understood, expected SIDE LOTS [SYMBOL]"),
        (["--order", "buy 1 GBPUSD", "--price", "1"], "names no symbol of crosses, expected one of EURUSD"),
        (["--order", "buy 1", "--price", "GBPUSD=1"], "no price of EURUSD is given; add --price EURUSD=PRICE"),
        (["--order", "buy 1", "--price", "x"], "--price x: 'x' is no number"),
        (["--order", "buy 0", "--price", "1"], "'0' is no amount above zero"),
    ],
)
def test_what_cannot_be_tried_is_said_in_a_sentence(qkt, strategy, limits, arguments, said):
    answer = qkt("risk", "test", strategy, *arguments)
    assert (answer.code, said in answer.err) == (2, True), answer.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[risk]\nmax_dayly_loss = 1\n", "unknown key 'max_dayly_loss' in [risk]; did you mean 'max_daily_loss'?"),
        ("[risk.per_strategy.a]\nmax_positions = 1\n", "did you mean 'max_position'?"),
        ("[risk]\nmax_drawdown_pct = 0\n", "risk.max_drawdown_pct: input should be greater than 0"),
        ('[risk]\nday_zone = "Mars"\n', "risk.day_zone: no such time zone"),
        ('[risk]\nday_starts = "25:00"\n', "risk.day_starts: expected a time of day such as 17:00"),
        ('[risk.each_strategy]\ncooldown_after_loss = "soon"\n', "expected a duration such as 90s, 30m or 4h"),
        (
            "[risk.each_strategy]\nrunaway_round_trips = 0\n",
            "risk.each_strategy.runaway_round_trips: input should be greater than 0",
        ),
        (
            "[risk.each_strategy]\nloss_streak_halt = 2.5\n",
            "risk.each_strategy.loss_streak_halt: input should be a valid integer",
        ),
    ],
)
def test_a_limit_that_cannot_be_is_refused_with_its_place(qkt, strategy, tape, tmp_path, text, said):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    answer = qkt("backtest", strategy, "--data", f"EURUSD={tape}", "--config", path)
    assert (answer.code, said in answer.err) == (1, True), answer.err


def test_a_back_test_reads_limits_only_from_a_file_that_is_named(qkt, strategy, tape, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "qkt.toml").write_text("[risk]\nmax_drawdown_pct = 0.005\n")
    free = qkt("backtest", strategy, "--data", f"EURUSD={tape}", "--json").json
    held = qkt("backtest", strategy, "--data", f"EURUSD={tape}", "--config", "qkt.toml", "--json").json
    assert free["halts"] == []
    (halt,) = held["halts"]
    assert (halt["cause"], halt["lasts"], halt["strategy"], halt["lifted"]) == ("drawdown", "PERSISTENT", None, None)
    assert any(warning.startswith("entries were halted on 2024-01-10") for warning in held["warnings"])
