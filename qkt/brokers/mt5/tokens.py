"""Tokens: the mark by which a request is found again at a venue.

A token is `<owner>-<number>`, number in base 36, and stands first in the order's comment. Servers may cut comments to 16
characters, add text, or put their own in the place; a token is at most 15 long and followed by nothing of ours.
"""

from __future__ import annotations

import re

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
OWNER = 6
"""Characters of an owner: a session of some state directory, drawn once when it is deployed."""
_TOKEN = re.compile(rf"^([0-9a-z]{{{OWNER}}})-([0-9a-z]{{1,8}})(?![0-9a-z])")


def token(owner: str, number: int) -> str:
    return f"{owner}-{base36(number)}"


def found(comment: str, owner: str) -> str:
    """The owner's token at the beginning of a comment, empty when there is none."""
    match = _TOKEN.match(comment)
    return match[0] if match is not None and match[1] == owner else ""


def foreign(comment: str, owner: str) -> bool:
    """Whether the comment begins with the token of another owner."""
    match = _TOKEN.match(comment)
    return match is not None and match[1] != owner


def base36(number: int) -> str:
    text = ""
    while number or not text:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text
