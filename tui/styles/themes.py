"""The themes. A theme gives each role a colour; meaning never rests on it alone, every role has a word or sign of its own.

`dusk` is dark and `paper` light, each also with blue and orange for gain and loss; `ansi` uses the sixteen colours of the
terminal, and `plain` none at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rich.style import Style
from textual.theme import Theme


@dataclass(frozen=True, slots=True)
class Palette:
    """The styles of one theme, by role: on the ground of a screen, under the cursor, and raised above it."""

    name: str
    ground: Mapping[str, Style]
    cursor: Mapping[str, Style]
    raised: Mapping[str, Style]

    def __getitem__(self, role: str) -> Style:
        return self.ground[role]


def palette(name: str, roles: Mapping[str, Style], ground: Style, cursor: Style, raised: Style) -> Palette:
    """A palette of roles over three grounds; a role that brings its own ground keeps it."""
    return Palette(
        name,
        {role: ground + style for role, style in roles.items()},
        {role: (ground + style if style.bgcolor else ground + style + cursor) for role, style in roles.items()},
        {role: raised + style for role, style in roles.items()},
    )


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours of a theme of 24 bits."""

    ground: str
    raised: str
    cursor: str
    text: str
    dim: str
    faint: str
    title: str
    accent: str
    up: str
    down: str
    warn: str
    alarm: str
    alarm_ground: str
    dark: bool


ROLES = (
    "text",
    "bold",
    "dim",
    "faint",
    "title",
    "focus",
    "head",
    "accent",
    "up",
    "down",
    "warn",
    "alarm",
    "alert",
    "live",
    "cursor",
)

DUSK = Inks(
    ground="#12161c",
    raised="#1b212a",
    cursor="#242d39",
    text="#cfd6de",
    dim="#8f9aa8",
    faint="#3a4450",
    title="#9db4cf",
    accent="#7cb7ff",
    up="#63c98f",
    down="#f5827a",
    warn="#e6b450",
    alarm="#12161c",
    alarm_ground="#f5827a",
    dark=True,
)
PAPER = Inks(
    ground="#fbf9f4",
    raised="#f0ede4",
    cursor="#e6e1d5",
    text="#23292f",
    dim="#575e65",
    faint="#c9c4b8",
    title="#31506f",
    accent="#0b57a4",
    up="#0f6b37",
    down="#b0271f",
    warn="#7a5200",
    alarm="#fbf9f4",
    alarm_ground="#b0271f",
    dark=False,
)
BLUE_ORANGE = {True: ("#6cb6ff", "#ffab5e"), False: ("#0550ae", "#9a4a00")}


def inked(name: str, inks: Inks) -> Palette:
    ink = Style.parse
    roles = {
        "text": Style(),
        "bold": Style(bold=True),
        "dim": ink(inks.dim),
        "faint": ink(inks.faint),
        "title": ink(f"bold {inks.title}"),
        "focus": ink(f"bold {inks.accent}"),
        "head": ink(inks.dim),
        "accent": ink(inks.accent),
        "up": ink(inks.up),
        "down": ink(inks.down),
        "warn": ink(inks.warn),
        "alarm": ink(f"bold {inks.down}"),
        "alert": ink(f"bold {inks.alarm} on {inks.alarm_ground}"),
        "live": ink(f"bold {inks.ground} on {inks.warn}"),
        "cursor": ink(f"{inks.text} on {inks.cursor}"),
    }
    text = ink(f"{inks.text} on {inks.ground}")
    return palette(name, roles, text, ink(f"on {inks.cursor}"), ink(f"{inks.text} on {inks.raised}"))


REVERSE = Style(reverse=True)
ANSI_ROLES = {
    "text": Style(),
    "bold": Style(bold=True),
    "dim": Style(),
    "faint": Style(dim=True),
    "title": Style(bold=True),
    "focus": Style(bold=True, color="cyan"),
    "head": Style(underline=True),
    "accent": Style(color="cyan"),
    "up": Style(color="green"),
    "down": Style(color="red"),
    "warn": Style(color="yellow"),
    "alarm": Style(color="red", bold=True),
    "alert": Style(reverse=True, bold=True),
    "live": Style(reverse=True, bold=True),
    "cursor": REVERSE,
}
PLAIN_ROLES = {
    **{role: Style() for role in ROLES},
    "bold": Style(bold=True),
    "title": Style(bold=True),
    "focus": Style(bold=True, underline=True),
    "head": Style(underline=True),
    "alarm": Style(bold=True),
    "alert": Style(reverse=True, bold=True),
    "live": Style(reverse=True, bold=True),
    "cursor": REVERSE,
}
DEFAULT = Style(color="default", bgcolor="default")
ANSI = palette("ansi", ANSI_ROLES, DEFAULT, REVERSE, DEFAULT)
PLAIN = palette("plain", PLAIN_ROLES, DEFAULT, REVERSE, DEFAULT)


def _blue_orange(inks: Inks) -> Inks:
    up, down = BLUE_ORANGE[inks.dark]
    return replace(inks, up=up, down=down, alarm_ground=down)


INKS: Mapping[str, Inks] = {
    "dusk": DUSK,
    "paper": PAPER,
    "dusk-blue": _blue_orange(DUSK),
    "paper-blue": _blue_orange(PAPER),
}
PALETTES: Mapping[str, Palette] = {**{name: inked(name, inks) for name, inks in INKS.items()}, "ansi": ANSI, "plain": PLAIN}


def textual_themes() -> list[Theme]:
    """What Textual's own widgets (fields, check boxes) draw with."""
    themes = [
        Theme(
            name=name,
            primary=inks.accent,
            secondary=inks.title,
            accent=inks.accent,
            warning=inks.warn,
            error=inks.down,
            success=inks.up,
            foreground=inks.text,
            background=inks.ground,
            surface=inks.ground,
            panel=inks.raised,
            boost=inks.raised,
            dark=inks.dark,
            variables={
                "raised": inks.raised,
                "dim": inks.dim,
                "block-cursor-background": inks.cursor,
                "block-cursor-foreground": inks.text,
                "input-cursor-background": inks.text,
                "input-cursor-foreground": inks.ground,
                "input-selection-background": inks.cursor,
            },
        )
        for name, inks in INKS.items()
    ]
    themes.extend(
        Theme(
            name=name,
            ansi=True,
            primary="ansi_default",
            secondary="ansi_default",
            warning="ansi_default",
            error="ansi_default",
            success="ansi_default",
            accent="ansi_default",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            boost="ansi_default",
            variables={
                "raised": "ansi_default",
                "dim": "ansi_default",
                "ansi-background": "ansi_default",
                "ansi-foreground": "ansi_default",
                "input-cursor-text-style": "reverse",
                "input-cursor-background": "ansi_default",
                "input-cursor-foreground": "ansi_default",
                "input-selection-background": "ansi_default",
                "block-cursor-background": "ansi_default",
                "block-cursor-foreground": "ansi_default",
            },
        )
        for name in ("ansi", "plain")
    )
    return themes
