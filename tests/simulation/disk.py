"""A disk that refuses now and then, and a process that dies while it writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from qkt.runtime.journal import Journal
from qkt.runtime.tape import TapeWriter
from qkt.runtime.tape_blocks import Block


class Died(BaseException):
    """The process is gone."""


class Disk:
    """Stands between an engine and its files. `full` refuses everything; `mortal` is asked before and after each write
    whether the process dies here, and `on_death` hears of it; after that nothing of this life reaches a file any more."""

    def __init__(self, random: Random) -> None:
        self.full = False
        self.dead = False
        self.mortal: Callable[[str], bool] = lambda point: False
        self.on_death: Callable[[Died], None] = lambda death: None
        self._random = random
        self._writers: list[TapeWriter] = []
        self._journals: list[Journal] = []

    def begin_life(self) -> None:
        self.dead, self.full = False, False
        self._writers, self._journals = [], []

    def die(self) -> None:
        """Whatever the machine had not been asked to keep may be lost; files end where they happen to end."""
        self.dead = True
        for writer in self._writers:
            file = writer._file
            if file is not None and not file.closed:
                if self._random.random() < 0.5 and writer.unsynced:
                    file.truncate(writer._size - self._random.randint(0, writer.unsynced))
                file.close()
        for journal in self._journals:
            journal.close()

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Every tape and journal goes through this disk."""
        write, init, commit, opened = TapeWriter.write, TapeWriter.__init__, Journal.commit, Journal.__init__

        def begin(writer: TapeWriter, *given: Any, **named: Any) -> None:
            init(writer, *given, **named)
            self._writers.append(writer)

        def open_journal(journal: Journal, *given: Any, **named: Any) -> None:
            opened(journal, *given, **named)
            self._journals.append(journal)

        def put(writer: TapeWriter, block: Block) -> None:
            self._pass("before a block", lambda: _torn(writer, block, self._random))
            if self.full:
                raise OSError(28, "no space left on device")
            write(writer, block)
            self._pass("after a block")

        def commit_all(journal: Journal, portions: Any) -> None:
            self._pass("before a commit")
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")
            commit(journal, portions)
            self._pass("after a commit")

        TapeWriter.write, TapeWriter.__init__ = put, begin  # type: ignore[method-assign]
        Journal.commit, Journal.__init__ = commit_all, open_journal  # type: ignore[method-assign]
        try:
            yield
        finally:
            TapeWriter.write, TapeWriter.__init__ = write, init  # type: ignore[method-assign]
            Journal.commit, Journal.__init__ = commit, opened  # type: ignore[method-assign]

    def _pass(self, point: str, last_words: Callable[[], None] | None = None) -> None:
        if self.dead:
            raise Died(point)
        if self.mortal(point):
            if last_words is not None:
                last_words()
            self.die()
            death = Died(point)
            self.on_death(death)
            raise death


def _torn(writer: TapeWriter, block: Block, random: Random) -> None:
    """Part of a block reaches the file."""
    if writer._file is not None and random.random() < 0.5:
        stored = block.stored
        part = stored[: random.randrange(len(stored))]
        writer._file.write(part)
        writer._size += len(part)
        writer.unsynced += len(part)
