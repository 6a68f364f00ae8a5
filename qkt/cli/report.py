"""`qkt report`: look at what `qkt backtest --report` wrote."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.errors import say
from qkt.core.errors import QktError

if TYPE_CHECKING:
    import webbrowser

    from qkt.report.comparison import Comparison

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a report.")]


@app.callback()
def report() -> None:
    """Open a back-test's report, check it, or compare two."""


@app.command("open")
def open_(folder: Folder) -> None:
    """Show the page in the browser."""
    from qkt.report.bundle import PAGE, read_manifest

    read_manifest(folder)
    page = (folder / PAGE).absolute()
    if not page.is_file():
        raise QktError(f"has no {PAGE} any more", where=str(folder), remedy="write the report again")
    print(page)
    browser = _browser()
    if browser is None or not browser.open(page.as_uri()):
        say("there is no browser here: open the file above where there is one")


def _browser() -> webbrowser.BaseBrowser | None:
    """One that draws: those of a terminal show no chart, and are taken only where `BROWSER` names them."""
    import webbrowser

    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return None
    return None if type(found) is webbrowser.GenericBrowser and "BROWSER" not in os.environ else found


@app.command()
def verify(folder: Folder) -> None:
    """Check that every file is what was written."""
    from qkt.report.bundle import damaged, read_manifest

    count = len(read_manifest(folder)["files"])
    wrong = damaged(folder)
    if wrong:
        raise QktError(f"{', '.join(wrong)} changed since the report was written", where=str(folder))
    print(f"{count} files are what was written")


@app.command(short_help="Two reports side by side.")
def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="The folder of a report.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The folder of another one.")],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comparison as a page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON document.")] = False,
) -> None:
    """Two reports side by side: what was different about the runs, and what came of it."""
    from qkt.backtest.output import require_writable, write_text
    from qkt.report.comparison import compare as compared

    if html is not None:
        require_writable(html)
    found = compared(first, second)
    if html is not None:
        from qkt.report.bundle import require_libraries

        require_libraries()
        from qkt.report.page import comparison_page

        write_text(html, comparison_page(found))
    if as_json:
        print(json.dumps(_data(found), separators=(",", ":")))
    else:
        _print(found)


def _data(found: Comparison) -> dict[str, object]:
    return {
        "reports": list(found.names),
        "same": found.same,
        "figures": [{"figure": r.label, "first": r.first, "second": r.second, "change": r.change} for r in found.figures],
        "differences": [{"what": what, "first": one, "second": other} for what, one, other in found.differences],
        "trades": {"common": found.common, "only_first": found.only_first, "only_second": found.only_second},
    }


def _print(found: Comparison) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from qkt.backtest.phrases import DASH

    console = Console()
    if found.same:
        console.print("The two runs came to the same: figures, trades, strategy, data and settings.", highlight=False)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("figure", no_wrap=True)
    for name in (*found.names, "change"):
        table.add_column(Text(name), justify="right")
    for row in found.figures:
        if row.first == row.second == DASH:
            continue
        table.add_row(row.label, row.first, row.second, row.change if row.change.strip("+-0. %") else "")
    console.print(table)
    trades = f"closed trades: {found.common:,} entered alike in both, {found.only_first:,} only in {found.names[0]}, "
    console.print(f"\n{trades}{found.only_second:,} only in {found.names[1]}", highlight=False, markup=False)
    if not found.differences:
        console.print("Strategy, data and settings are the same.", highlight=False)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for name in ("what differed", *found.names):
        table.add_column(Text(name), overflow="fold")
    for difference in found.differences:
        table.add_row(*(Text(text) for text in difference))
    console.print()
    console.print(table)
