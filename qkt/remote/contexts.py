"""Names for engines here and elsewhere, in a small file of the user: `contexts.toml` beside `qkt.toml`. It holds no secrets."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from qkt.core.errors import QktError, UsageError
from qkt.remote.address import Address, is_address, parse_address

FILE = "contexts.toml"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
KEYS = ("address", "state_dir", "remote_command")
COMMAND = "qkt"


class ContextError(QktError):
    """A context that is not there, or a file of them that cannot be used."""


@dataclass(frozen=True, slots=True)
class Context:
    """An engine: of this machine, or with an `address` of another one. `state_dir` is a path there, None for the usual one;
    `remote_command` is how qkt is called there, words for the shell of that machine."""

    name: str
    address: Address | None = None
    state_dir: str | None = None
    remote_command: str = COMMAND

    @property
    def where(self) -> str:
        """The machine, and the state directory where it is not the usual one."""
        machine = "this machine" if self.address is None else str(self.address)
        return machine if self.state_dir is None else f"{machine}, {self.state_dir}"

    @property
    def words(self) -> str:
        """What it is called in sentences."""
        where = str(self.address or self.name)
        return where if self.name == where else f"{self.name} ({self.where})"


@dataclass
class Contexts:
    """All of them by name, and the one that `qkt attach` opens when none is named."""

    path: Path
    known: dict[str, Context] = field(default_factory=dict)
    chosen: str | None = None

    def find(self, text: str) -> Context:
        """The context of this name, or one made for an address. Raises ContextError for a name that is not known."""
        if text in self.known:
            return self.known[text]
        if is_address(text):
            return Context(text, parse_address(text))
        close = get_close_matches(text, self.known, n=1)
        raise ContextError(
            f"there is no context '{text}'",
            where=str(self.path),
            expected="user@host, ssh://host or the name of a context",
            remedy=f"did you mean '{close[0]}'?" if close else "qkt contexts list shows them",
        )

    def add(self, context: Context) -> None:
        """Raises UsageError for what cannot be a context, ContextError where its name is taken."""
        require_context(context)
        if context.name in self.known:
            raise ContextError(
                f"there is a context '{context.name}' already",
                where=str(self.path),
                remedy=f"qkt contexts remove {context.name} takes it away",
            )
        self.known[context.name] = context

    def remove(self, name: str) -> Context:
        found = self.named(name)
        del self.known[name]
        self.chosen = None if self.chosen == name else self.chosen
        return found

    def named(self, name: str) -> Context:
        """Raises ContextError for a name that is not known, an address among them."""
        if name not in self.known and is_address(name):
            raise ContextError(f"there is no context '{name}'", where=str(self.path), remedy="qkt contexts add gives it a name")
        return self.find(name)

    def keep(self) -> None:
        """Write the file, whole or not at all. Raises ContextError when it cannot be."""
        draft = self.path.with_name(f"{FILE}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with draft.open("w", encoding="utf-8") as file:
                file.write(self.text())
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self.path)
        except OSError as problem:
            draft.unlink(missing_ok=True)
            raise ContextError(f"cannot be written ({problem.strerror})", where=str(self.path)) from None

    def text(self) -> str:
        """As TOML."""
        lines = [] if self.chosen is None else [f"chosen = {_quoted(self.chosen)}", ""]
        for context in self.known.values():
            values = {
                "address": None if context.address is None else str(context.address),
                "state_dir": context.state_dir,
                "remote_command": None if context.remote_command == COMMAND else context.remote_command,
            }
            lines += [f"[contexts.{_quoted(context.name)}]"]
            lines += [f"{key} = {_quoted(value)}" for key, value in values.items() if value is not None] + [""]
        return "\n".join(lines)


def contexts_file() -> Path:
    """Where they are kept, in the user's folder of configuration."""
    from platformdirs import user_config_path

    return user_config_path("qkt", appauthor=False) / FILE


def load_contexts(path: Path | None = None) -> Contexts:
    """All contexts of the user; none where there is no file. Raises ContextError for a file that cannot be used."""
    path = path or contexts_file()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Contexts(path)
    except tomllib.TOMLDecodeError as problem:
        raise ContextError(f"is not TOML: {problem}", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ContextError(f"cannot be read ({problem})", where=str(path)) from None
    _only(values, ("chosen", "contexts"), path, "")
    found = Contexts(path)
    for name, section in _table(values.get("contexts", {}), path, "contexts").items():
        try:
            found.add(_context(name, _table(section, path, f"contexts.{name}"), path))
        except UsageError as problem:
            raise ContextError(f"contexts.{name}: {problem}", where=str(path)) from None
    chosen = values.get("chosen")
    if chosen is not None and chosen not in found.known:
        raise ContextError(f"chosen: there is no context '{chosen}'", where=str(path), remedy="take the line away, or name one")
    found.chosen = chosen
    return found


def here(state: Path) -> Context:
    """The engine of a state directory of this machine, nameless."""
    return Context("here", None, str(state.absolute()))


def require_context(context: Context) -> None:
    """Raises UsageError for a name, path or command that cannot be one."""
    if not NAME.fullmatch(context.name):
        raise UsageError(f"'{context.name}' is no name", expected="up to 32 letters, digits, '.', '-' and '_'")
    for what, text in (("state directory", context.state_dir), ("remote command", context.remote_command)):
        if text is not None and (not text.strip() or not text.isprintable() or text.startswith("-")):
            raise UsageError(f"'{text}' is no {what}")


def _context(name: str, section: Mapping[str, Any], path: Path) -> Context:
    _only(section, KEYS, path, f"contexts.{name}.")
    for key, value in section.items():
        if not isinstance(value, str):
            raise ContextError(f"contexts.{name}.{key}: a text is expected", where=str(path))
    address = section.get("address")
    return Context(
        name,
        None if address is None else parse_address(address),
        section.get("state_dir"),
        section.get("remote_command", COMMAND),
    )


def _table(value: object, path: Path, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ContextError(f"{key}: a table is expected", where=str(path))
    return value


def _only(values: Mapping[str, Any], known: tuple[str, ...], path: Path, section: str) -> None:
    for key in values:
        if key not in known:
            raise ContextError(f"unknown key '{section}{key}'", where=str(path), expected=f"one of {', '.join(known)}")


def _quoted(text: str) -> str:
    """A basic string of TOML, which has the escapes of JSON."""
    return json.dumps(text, ensure_ascii=False)
