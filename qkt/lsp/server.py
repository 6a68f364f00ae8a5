"""The Language Server Protocol on pygls: requests in, answers of this room out, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeAlias

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from qkt.core.errors import QktError
from qkt.lang.diagnostics import Diagnostic
from qkt.lang.formatter import format_source
from qkt.lang.loader import check_text
from qkt.lang.tree import Span
from qkt.lsp.completion import Completion, completions
from qkt.lsp.definition import definition
from qkt.lsp.hover import hover
from qkt.lsp.outline import Entry, What, outline
from qkt.lsp.places import Places

QUIET_S = 0.2  # typing must rest so long before the text is checked

_KINDS = {
    "keyword": lsp.CompletionItemKind.Keyword,
    "field": lsp.CompletionItemKind.Field,
    "indicator": lsp.CompletionItemKind.Function,
    "function": lsp.CompletionItemKind.Function,
    What.PARAM: lsp.CompletionItemKind.Constant,
    What.IMPORT: lsp.CompletionItemKind.Module,
}
_SYMBOLS = {
    What.STRATEGY: lsp.SymbolKind.Class,
    What.PARAM: lsp.SymbolKind.Constant,
    What.SEQUENCE: lsp.SymbolKind.Struct,
    What.STAGE: lsp.SymbolKind.EnumMember,
    What.IMPORT: lsp.SymbolKind.Module,
    What.REGIME: lsp.SymbolKind.EnumMember,
    What.RULE: lsp.SymbolKind.Event,
}
At: TypeAlias = lsp.CompletionParams | lsp.HoverParams | lsp.DefinitionParams


class QktLanguageServer(LanguageServer):
    """Open documents, and the checks that are due for them. `dismissed` once the client has asked for the end, as it should."""

    def __init__(self, version: str, quiet_s: float = QUIET_S) -> None:
        super().__init__("qkt", version)
        self.quiet_s = quiet_s
        self.dismissed = False
        self._due: dict[str, asyncio.Task[None]] = {}

    def places(self, uri: str) -> tuple[str, Places]:
        """The text of a document and its places in the client's units."""
        encoding = self.server_capabilities.position_encoding or lsp.PositionEncodingKind.Utf16
        source = self.workspace.get_text_document(uri).source
        return source, Places.of(source, str(getattr(encoding, "value", encoding)))

    def at(self, params: At) -> tuple[str, int, Places]:
        source, places = self.places(params.text_document.uri)
        return source, places.offset(params.position.line, params.position.character), places

    def check_soon(self, uri: str) -> None:
        """Check the document when typing has rested."""
        self.forget(uri)
        self._due[uri] = asyncio.get_running_loop().create_task(self._check_later(uri))

    def forget(self, uri: str) -> None:
        if task := self._due.pop(uri, None):
            task.cancel()

    async def _check_later(self, uri: str) -> None:
        await asyncio.sleep(self.quiet_s)
        self._due.pop(uri, None)
        self.check_now(uri)

    def check_now(self, uri: str) -> None:
        """Publish all that is wrong with a document."""
        document = self.workspace.get_text_document(uri)
        source, places = self.places(uri)
        found = check_text(source, uri, path=_path(uri)) if source.strip() else None
        shown = [_diagnostic(problem, places) for problem in found.problems] if found else []
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown, document.version))


def _path(uri: str) -> Path | None:
    path = to_fs_path(uri)
    return Path(path) if path else None


def _range(span: Span, places: Places) -> lsp.Range:
    start, end = places.position(span.line, span.column), places.position(span.end_line, span.end_column)
    return lsp.Range(lsp.Position(*start), lsp.Position(*end))


def _diagnostic(problem: Diagnostic, places: Places) -> lsp.Diagnostic:
    severity = lsp.DiagnosticSeverity.Error if problem.severity == "error" else lsp.DiagnosticSeverity.Warning
    message = problem.message if problem.hint is None else f"{problem.message}\n{problem.hint}"
    return lsp.Diagnostic(_range(problem.span, places), message, severity, problem.code, source="qkt")


def _item(found: Completion) -> lsp.CompletionItem:
    note = lsp.MarkupContent(lsp.MarkupKind.PlainText, found.note) if found.note else None
    kind = _KINDS.get(found.kind, lsp.CompletionItemKind.Variable)
    return lsp.CompletionItem(found.text, kind=kind, detail=found.detail or None, documentation=note)


def _symbol(entry: Entry, places: Places, inner: list[Entry]) -> lsp.DocumentSymbol:
    return lsp.DocumentSymbol(
        entry.name or "?",
        _SYMBOLS.get(entry.what, lsp.SymbolKind.Variable),
        _range(entry.span, places),
        _range(entry.name_span, places),
        detail=str(entry.what),
        children=[_symbol(stage, places, []) for stage in inner],
    )


def make_server(version: str, quiet_s: float = QUIET_S) -> QktLanguageServer:
    """A server with everything it can do, not yet connected to anything."""
    server = QktLanguageServer(version, quiet_s)

    @server.feature(lsp.SHUTDOWN)
    def shut_down(ls: QktLanguageServer, _: None) -> None:
        ls.dismissed = True

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: QktLanguageServer, params: lsp.DidOpenTextDocumentParams) -> None:
        ls.check_now(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(ls: QktLanguageServer, params: lsp.DidChangeTextDocumentParams) -> None:
        ls.check_soon(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: QktLanguageServer, params: lsp.DidCloseTextDocumentParams) -> None:
        ls.forget(params.text_document.uri)
        ls.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(params.text_document.uri, []))

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", "@"]))
    def complete(ls: QktLanguageServer, params: lsp.CompletionParams) -> lsp.CompletionList:
        source, offset, _ = ls.at(params)
        return lsp.CompletionList(False, [_item(found) for found in completions(source, offset)])

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def explain(ls: QktLanguageServer, params: lsp.HoverParams) -> lsp.Hover | None:
        source, offset, places = ls.at(params)
        found = hover(source, offset)
        if found is None:
            return None
        text, span = found
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text), _range(span, places))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def define(ls: QktLanguageServer, params: lsp.DefinitionParams) -> lsp.Location | None:
        uri = params.text_document.uri
        source, offset, places = ls.at(params)
        path = _path(uri)
        found = definition(source, offset, path.parent if path else None)
        if found is None:
            return None
        file, span = found
        if file is None:
            return lsp.Location(uri, _range(span, places))
        there = from_fs_path(str(file.resolve()))
        return lsp.Location(there, lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))) if there and file.is_file() else None

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def symbols(ls: QktLanguageServer, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        source, places = ls.places(params.text_document.uri)
        known = outline(source)
        return [
            _symbol(entry, places, known.of(What.STAGE, parent=entry.name) if entry.what is What.SEQUENCE else [])
            for entry in known.entries
            if entry.what is not What.STAGE
        ]

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def tidy(ls: QktLanguageServer, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        source, places = ls.places(params.text_document.uri)
        try:
            text = format_source(source)
        except QktError:
            return None  # the diagnostics tell why
        everything = lsp.Range(lsp.Position(0, 0), lsp.Position(*places.end))
        return [] if text == source else [lsp.TextEdit(everything, text)]

    return server
