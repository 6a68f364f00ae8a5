"""What a shell is offered after a TAB."""

from __future__ import annotations

import pytest

from qkt.cli.main import COMPLETING


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_has_a_script_that_asks_qkt(qkt, monkeypatch, shell):
    monkeypatch.setenv(COMPLETING, "")  # put back afterwards
    monkeypatch.delenv(COMPLETING)
    answer = qkt("completion", shell)
    assert answer.code == 0
    assert f"{COMPLETING}" in answer.out


@pytest.mark.parametrize(
    ("line", "offered"),
    [("qkt dep", ["deploy"]), ("qkt new --ki", ["--kind"]), ("qkt new --kind ", ["minimal", "mt5", "portfolio", "python"])],
)
def test_what_may_come_next_is_offered_although_nobody_sits_at_a_terminal(qkt, monkeypatch, line, offered):
    monkeypatch.setenv(COMPLETING, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    assert qkt().out.split() == offered
