"""What the commands that run many back-tests take to search and to work with: declared once, given to each of them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from qkt.cli.errors import INTERRUPTED, say
from qkt.cli.run_options import lend

if TYPE_CHECKING:
    from qkt.backtest.prepared import Prepared
    from qkt.cli.job_meter import JobMeter
    from qkt.research.job import Means
    from qkt.research.sweep import Asked


class Searches(StrEnum):
    GRID = "grid"
    RANDOM = "random"
    TPE = "tpe"


Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=…", help="What is tried: 5..30:5, 20,50,100, or 0.1..0.5. Can be repeated."),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="CONDITION", help="What combinations must satisfy, 'fast < slow'. Can be repeated."),
]
Search = Annotated[
    Searches, typer.Option("--search", metavar="grid|random|tpe", help="All, some at random, or where a model expects most.")
]
Trials = Annotated[
    int | None, typer.Option("--trials", metavar="N", help="How many are tried at random or by tpe.", show_default="100")
]
Metric = Annotated[str, typer.Option("--metric", metavar="FIGURE", help="What combinations are ranked by.")]
Prune = Annotated[
    bool, typer.Option("--prune", help="End runs that are worse than the median at a quarter, half or three quarters.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", help="Processes that work on it.", show_default="one for each core")
]
Cluster = Annotated[
    str | None, typer.Option("--cluster", metavar="ADDRESS", help="Run on the Dask cluster there, tcp://host:8786.")
]
Shared = Annotated[
    Path | None, typer.Option("--shared", metavar="DIR", help="A folder all workers of the cluster see, for the market.")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Folder for results as they come.", show_default="in the state directory"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what is in the folder already.")]


def _declared(
    param: Params = None,
    where: Where = None,
    search: Search = Searches.GRID,
    trials: Trials = None,
    metric: Metric = "sharpe",
    prune: Prune = False,
    workers: Workers = None,
    cluster: Cluster = None,
    shared: Shared = None,
    out: Out = None,
    resume: Resume = False,
) -> None:
    """The options of a search, in their order."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The values of the options by their names."""

    given: Mapping[str, Any]

    def asked(self, seed: int) -> Asked:
        """What is tried and how it is ranked. Raises UsageError for what cannot be tried."""
        from qkt.research.space import Space
        from qkt.research.sweep import Asked

        given = self.given
        space = Space.parse(given["param"] or [], given["where"] or [])
        return Asked(space, given["search"].value, given["trials"], seed, given["metric"], given["prune"])

    @contextmanager
    def begun(self, *, silent: bool) -> Iterator[tuple[Means, JobMeter]]:
        """With what it is done, ready for Ctrl-C; the meter shows itself unless `silent`. Workers start at once, and do while
        the block imports and reads what they do too."""
        from qkt.cli.interrupt import Interrupt
        from qkt.cli.job_meter import JobMeter
        from qkt.research.crew import hired

        workers, cluster, shared = (self.given[name] for name in ("workers", "cluster", "shared"))
        with hired(workers, cluster) as crew, Interrupt() as interrupt, JobMeter("run", shown=meter_shown(silent)) as meter:
            from qkt.research.job import Means

            yield Means(workers, cluster, shared, interrupt.asked, meter.update, crew), meter

    def folder(self, ready: Prepared, kind: str, asked: object) -> Path:
        """Where results go."""
        named: Path | None = self.given["out"]
        return named or default_folder(ready, kind, asked)

    def resumes(self, folder: Path) -> bool:
        """Whether to go on with what lies there."""
        return fresh_unless(self.given["out"], folder, self.given["resume"])


def with_search_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options in the place of its parameter `options`, which gets them as `SearchOptions`."""
    return lend(command, "options", _declared, SearchOptions)


def meter_shown(silent: bool) -> bool:
    """Whether somebody watches who wants to see how far it is."""
    return not silent and sys.stderr.isatty()


def default_folder(ready: Prepared, kind: str, asked: object) -> Path:
    """Where results go that nobody named a place for: the same for the same question about the same strategy and data."""
    import hashlib

    from qkt.research.parcel import fingerprint
    from qkt.runtime.state import state_dir

    told = f"{kind}{asked!r}{fingerprint(ready)!r}"
    mark = hashlib.blake2b(told.encode(), digest_size=4).hexdigest()
    return state_dir() / "research" / f"{kind}-{ready.made[0].name}-{mark}"


def fresh_unless(out: Path | None, folder: Path, resume: bool) -> bool:
    """Whether to resume. Without it, what lies in a folder that nobody named is done anew."""
    from qkt.research.journal import NAME

    if out is None and not resume:
        (folder / NAME).unlink(missing_ok=True)
    return resume


def interrupted(meter: object, folder: Path) -> NoReturn:
    """Say how to go on, and end."""
    from qkt.cli.job_meter import JobMeter

    assert isinstance(meter, JobMeter)
    standing = meter.standing
    done = "before the first run" if standing is None else f"after {standing.done:,} of {standing.total:,} runs"
    again = shlex.join(["qkt", *(word for word in sys.argv[1:] if word != "--resume"), "--resume"])
    say(f"interrupted {done}; what is done is kept in {folder}, go on with: {again}")
    raise typer.Exit(INTERRUPTED)
