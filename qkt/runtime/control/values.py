"""What the control API's words are made of: money as exact text, times in epoch ms, names that cannot leave their folder."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from qkt.core.secrets import redacted

# Both ends must speak the same version; it grows when a word changes its meaning or goes away.
PROTOCOL = 1

# Where the paths of this version begin; `/health` alone stands outside of all versions.
PREFIX = f"/v{PROTOCOL}"

NAME = r"[A-Za-z0-9_-]{1,64}"


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError("a number with an exact value, as text, is expected")
    return value


def _plain(value: Decimal) -> str:
    return format(value, "f")


# Money, prices and quantities: a decimal string on the wire, never a float.
Exact = Annotated[Decimal, BeforeValidator(_exact), PlainSerializer(_plain, return_type=str, when_used="json")]

# Epoch milliseconds, UTC.
Millis = Annotated[int, Field(ge=0)]

# A session, or one child of a portfolio: `book` or `book/child`.
SessionName = Annotated[str, Field(pattern=rf"^{NAME}(/{NAME})?$")]
DeployName = Annotated[str, Field(pattern=rf"^{NAME}$")]
CommandId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{8,64}$")]
Text = Annotated[str, Field(max_length=4096)]

# What a person says to others, rid of secrets before it is written anywhere.
Spoken = Annotated[Text, AfterValidator(redacted)]

# What a strategy, a feed or a venue said, shown without the secrets that it may hold. Recordings keep it as it was said.
Quoted = Annotated[str, AfterValidator(redacted)]


# What reads and writes words is made when it is first used: a dashboard paints before that, and few commands use many.
LATER = ConfigDict(defer_build=True)


class Word(BaseModel):
    """A frozen value of the control API. Unknown fields are refused, so that a misspelt one never passes silently."""

    model_config = ConfigDict(**LATER, frozen=True, extra="forbid")
