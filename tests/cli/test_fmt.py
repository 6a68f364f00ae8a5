"""`qkt fmt`."""

from __future__ import annotations

import io
import os
import stat
import sys

import pytest

UGLY = "strategy s version 1\nsymbols k=SIM:KLM every 1m -- the market\nrules when k.close>1 then close k\n"
NEAT = """STRATEGY s VERSION 1

SYMBOLS
    k = SIM:KLM EVERY 1m  -- the market

RULES
    WHEN k.close > 1
    THEN CLOSE k
"""
BROKEN = "STRATEGY s VERSION 1\nSYMBOLS k = SIM:KLM EVERY 1m\nRULES WHEN k.close > THEN CLOSE k\n"


@pytest.fixture
def ugly(tmp_path):
    path = tmp_path / "ugly.qkt"
    path.write_text(UGLY)
    return path


def test_a_file_is_rewritten_once_and_then_left_alone(qkt, ugly):
    answer = qkt("fmt", ugly)
    assert (answer.code, answer.out, answer.err) == (0, "", "qkt: 1 formatted, 0 in canonical form already\n")
    assert ugly.read_text() == NEAT
    assert qkt("fmt", ugly).err == "qkt: 0 formatted, 1 in canonical form already\n"


def test_check_lists_what_would_change_and_writes_nothing(qkt, ugly, tmp_path):
    (tmp_path / "neat.qkt").write_text(NEAT)
    answer = qkt("fmt", tmp_path, "--check")
    assert (answer.code, answer.out) == (1, f"{ugly}\n")
    assert ugly.read_text() == UGLY
    qkt("fmt", tmp_path)
    assert qkt("fmt", "--check", tmp_path).code == 0


def test_diff_shows_the_lines_that_would_change(qkt, ugly):
    answer = qkt("fmt", ugly, "--diff")
    assert answer.code == 0
    assert "-rules when k.close>1 then close k\n" in answer.out
    assert "+    THEN CLOSE k\n" in answer.out
    assert ugly.read_text() == UGLY
    assert qkt("fmt", ugly, "--diff", "--check").code == 1


def test_stdout_prints_and_writes_nothing(qkt, ugly):
    assert qkt("fmt", ugly, "--stdout").out == NEAT
    assert ugly.read_text() == UGLY
    assert qkt("fmt", ugly, "--stdout", "--check").code == 2


def test_stdin_goes_to_stdout(qkt, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(UGLY.encode()), encoding="utf-8"))
    answer = qkt("fmt", "-")
    assert (answer.code, answer.out, answer.err) == (0, NEAT, "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BROKEN.encode()), encoding="utf-8"))
    answer = qkt("fmt", "-")
    assert answer.code == 1
    assert "<stdin>:3:22: error QKT0100" in answer.err


def test_a_file_with_errors_is_left_and_the_others_are_formatted(qkt, ugly, tmp_path):
    bad = tmp_path / "bad.qkt"
    bad.write_text(BROKEN)
    answer = qkt("fmt", bad, ugly)
    assert answer.code == 1
    assert f"{bad}:3:22: error QKT0100" in answer.err
    assert (bad.read_text(), ugly.read_text()) == (BROKEN, NEAT)


def test_a_form_that_does_not_run_yet_or_has_unknown_names_is_formatted(qkt, tmp_path):
    path = tmp_path / "p.qkt"
    path.write_text("portfolio p version 1 import 'a.qkt' as a rules run a when nothing.close>1 run b")
    assert qkt("fmt", path, "--stdout").out == (
        'PORTFOLIO p VERSION 1\n\nIMPORT "a.qkt" AS a\n\nRULES\n    RUN a\n    WHEN nothing.close > 1 RUN b\n'
    )


def test_links_and_permissions_stay(qkt, ugly, tmp_path):
    ugly.chmod(0o640)
    link = tmp_path / "link.qkt"
    link.symlink_to(ugly)
    qkt("fmt", link)
    assert link.is_symlink()
    assert ugly.read_text() == NEAT
    assert stat.S_IMODE(ugly.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.qkt", "ugly.qkt"]


def test_a_write_that_fails_leaves_the_file_and_nothing_else(qkt, ugly, tmp_path, monkeypatch):
    def no(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no)
    answer = qkt("fmt", ugly)
    assert answer.code == 1
    assert f"{ugly}: cannot be written (No space left on device)" in answer.err
    assert ugly.read_text() == UGLY
    assert os.listdir(tmp_path) == ["ugly.qkt"]


def test_windows_line_ends_and_the_mark_in_front_go(qkt, tmp_path):
    path = tmp_path / "dos.qkt"
    path.write_bytes(b"\xef\xbb\xbf" + NEAT.replace("\n", "\r\n").encode())
    assert qkt("fmt", path, "--check").code == 1
    qkt("fmt", path)
    assert path.read_bytes() == NEAT.encode()


def test_a_folder_without_strategies_and_a_missing_file_are_told(qkt, tmp_path):
    assert qkt("fmt", tmp_path).code == 2
    answer = qkt("fmt", tmp_path / "missing.qkt")
    assert answer.code == 1
    assert "missing.qkt: cannot be read" in answer.err
