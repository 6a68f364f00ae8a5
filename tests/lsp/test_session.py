"""A session of a real client with `qkt lsp` in a process of its own, over stdin and stdout."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

ROOT = Path(__file__).parents[2]
BAD = """STRATEGY s VERSION 1
SYMBOLS gold = SIM:XAU EVERY 5m
RULES
    WHEN ema(goldd.close, 9) > 1 AND POSITION.gold = 0 THEN CLOSE gold
    WHEN gold.clsoe > 2 THEN HOP gold
"""
GOOD = BAD.replace("goldd", "gold").replace("clsoe", "close").replace("HOP", "CLOSE")


class Editor(LanguageClient):
    """Keeps the problems that the server last published, and wakes who waits for them."""

    def __init__(self) -> None:
        super().__init__("editor", "1")
        self.published: asyncio.Queue[lsp.PublishDiagnosticsParams] = asyncio.Queue()

        @self.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.published.put_nowait(params)


@asynccontextmanager
async def session() -> AsyncIterator[Editor]:
    editor = Editor()
    await editor.start_io(sys.executable, "-m", "qkt.cli.main", "lsp", cwd=ROOT)
    answer = await editor.initialize_async(lsp.InitializeParams(lsp.ClientCapabilities(), root_uri=ROOT.as_uri()))
    assert answer.server_info is not None
    assert answer.server_info.name == "qkt"
    editor.initialized(lsp.InitializedParams())
    yield editor
    await editor.shutdown_async(None)
    editor.exit(None)
    assert editor._server is not None
    assert await editor._server.wait() == 0
    await editor.stop()


def run(talk: Callable[[Editor], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with session() as editor:
            await talk(editor)

    asyncio.run(asyncio.wait_for(whole(), 60))


def document(uri: str) -> lsp.TextDocumentIdentifier:
    return lsp.TextDocumentIdentifier(uri)


def test_a_whole_session(tmp_path: Path) -> None:
    uri = (tmp_path / "s.qkt").as_uri()

    async def talk(editor: Editor) -> None:
        editor.text_document_did_open(lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, "qkt", 1, BAD)))
        first = await editor.published.get()
        places = [(d.code, d.range.start.line, d.range.start.character, d.range.end.character) for d in first.diagnostics]
        assert ("QKT0203", 3, 13, 18) in places
        assert ("QKT0100", 4, 29, 32) in places
        assert any("did you mean 'gold'?" in d.message.lower() for d in first.diagnostics)

        # typing: two changes at once are checked once, when typing rests
        for version, text in ((2, "STRATEGY"), (3, GOOD)):
            change = lsp.TextDocumentContentChangeWholeDocument(text)
            editor.text_document_did_change(
                lsp.DidChangeTextDocumentParams(lsp.VersionedTextDocumentIdentifier(version, uri), [change])
            )
        second = await editor.published.get()
        assert (second.version, list(second.diagnostics)) == (3, [])

        at = lsp.Position(3, 4 + len("WHEN ema(gold."))
        listed = await editor.text_document_completion_async(lsp.CompletionParams(document(uri), at))
        assert isinstance(listed, lsp.CompletionList)
        assert {"close", "high"} <= {item.label for item in listed.items}

        hovered = await editor.text_document_hover_async(lsp.HoverParams(document(uri), lsp.Position(3, 10)))
        assert hovered is not None
        assert isinstance(hovered.contents, lsp.MarkupContent)
        assert "ema(number, n)" in hovered.contents.value
        assert "Rules wait for" in hovered.contents.value

        there = await editor.text_document_definition_async(lsp.DefinitionParams(document(uri), lsp.Position(3, 15)))
        assert isinstance(there, lsp.Location)
        assert (there.range.start.line, there.range.start.character) == (1, 8)

        symbols: Any = await editor.text_document_document_symbol_async(lsp.DocumentSymbolParams(document(uri)))
        assert [symbol.name for symbol in symbols][:2] == ["s", "gold"]

        options = lsp.FormattingOptions(4, True)
        edits = await editor.text_document_formatting_async(lsp.DocumentFormattingParams(document(uri), options))
        assert edits is not None
        assert edits[0].new_text.startswith("STRATEGY s VERSION 1\n\nSYMBOLS\n    gold = SIM:XAU EVERY 5m\n")

        editor.text_document_did_close(lsp.DidCloseTextDocumentParams(document(uri)))
        assert not (await editor.published.get()).diagnostics

    run(talk)


def test_a_client_that_just_goes_away_is_an_error_for_the_exit_code() -> None:
    done = subprocess.run([sys.executable, "-m", "qkt.cli.main", "lsp"], input=b"", capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 1


def test_without_pygls_one_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "pygls").mkdir()
    (tmp_path / "pygls" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'pygls'\", name='pygls')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from qkt.cli.main import main; main(['lsp'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == "qkt: the language server needs pygls; in the clone of qkt: pip install '.[lsp]'\n"


@pytest.mark.parametrize("module", ["pygls", "qkt.lsp", "qkt.lang"])
def test_help_does_not_load_the_language_server(module: str) -> None:
    code = f"import sys, qkt.cli.main; print({module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"
