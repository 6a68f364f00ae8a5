"""What must not be shown is hidden in every spelling in which it travels, and nothing else is."""

from __future__ import annotations

import pytest

from qkt.core.secrets import Secrets, names_a_secret

SECRET = 'pa"ss/wö rd+7'


@pytest.fixture
def secrets():
    known = Secrets()
    known.conceal([SECRET, "s3cr", "x"])
    return known


@pytest.mark.parametrize(
    "text",
    [
        f"login failed for {SECRET}",
        "https://venue.example/?key=pa%22ss%2Fw%C3%B6%20rd%2B7",
        "https://venue.example/?key=pa%22ss%2Fw%C3%B6+rd%2B7",
        '{"reason": "pa\\"ss/w\\u00f6 rd+7"}',
        "short (s3cr)",
    ],
)
def test_a_known_value_is_hidden_in_any_spelling(secrets, text):
    shown = secrets.redacted(text)
    assert "***" in shown
    assert not any(part in shown for part in ("ss/w", "ss%2Fw", "s3cr"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter22 refused", "password=*** refused"),
        ('{"token": null, "id": 7}', '{"token": null, "id": 7}'),
        ('{"api_key": "abcdef", "id": 7}', '{"api_key": "***", "id": 7}'),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("tgram token: 123:ABC", "tgram token: ***"),
        ("https://eva:hunter22@venue.example/x failed", "https://***@venue.example/x failed"),
        ("auth_token=Bearer abc.def-123&x=1", "auth_token=Bearer ***&x=1"),
        ("https://venue.example/token=abcdef", "https://venue.example/token=***"),
        ("https://venue.example/token: abc123", "https://venue.example/token: ***"),
        ("venue/login said passwd: hunter", "venue/login said passwd: ***"),
    ],
)
def test_what_stands_where_secrets_stand_is_hidden(text, shown):
    assert Secrets().redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "dsl-x--1: BUY 0.1 SIM:EURUSD at 1.09623, realised -5.00",
        "the token is missing or wrong",
        "s3crets and xyz",
        "/etc/passwd: permission denied",
        r"C:\qkt\tokens: not found, see ./api_keys: Permission denied",
        "at eva@example.org, see https://example.org/a:b",
    ],
)
def test_other_text_stays_as_it_is(secrets, text):
    assert secrets.redacted(text) == text


def test_names_of_variables_tell_what_is_secret():
    assert all(map(names_a_secret, ("TV_TOKEN", "MT5_PASSWORD", "QKT_FEED__TOKEN", "APIKEY", "aws_secret_x")))
    assert not any(map(names_a_secret, ("PATH", "HOME", "QKT_STATE_DIR")))
