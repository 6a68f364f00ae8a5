"""`qkt mt5-gateway` and `qkt mt5-record`: what runs beside a MetaTrader 5 terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qkt.cli.brokers import _profile
from qkt.cli.options import ConfigOption, new_app

if TYPE_CHECKING:
    from qkt.brokers.mt5.terminal import Terminal

app = new_app()

TOKEN = "QKT_MT5_TOKEN"


@app.command("mt5-gateway")
def gateway(
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Whose terminal, as in [mt5.NAME].")] = "",
    simulated: Annotated[bool, typer.Option("--simulated", help="Serve the simulator instead: no order leaves.")] = False,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where it listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT")] = 8228,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help=f"Holds the token (else: {TOKEN}).")] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate, in PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Listen without TLS beyond this machine, as inside a VPN.")] = False,
    config: ConfigOption = None,
) -> None:
    """Serve the terminal of this machine to an engine on another one."""
    import uvicorn

    from qkt.brokers.mt5.gateway import application
    from qkt.config import ConfigError
    from qkt.core.errors import UsageError

    if (profile == "") is not simulated:
        raise UsageError("it is not said what is served", expected="either --profile NAME or --simulated")
    if host not in ("127.0.0.1", "localhost", "::1") and tls_cert is None and not plain:
        raise UsageError(f"{host} can be reached by others", expected="--tls-cert and --tls-key", remedy="--plain inside a VPN")
    try:
        app_ = application(_simulator() if simulated else _local(profile, config), _token(token_file))
    except ValueError as problem:
        raise ConfigError(str(problem), where=TOKEN) from None
    what = "a SIMULATED account" if simulated else f"mt5.{profile}"
    print(f"serving {what} at {'https' if tls_cert else 'http'}://{host}:{port}", flush=True)
    uvicorn.run(
        app_,
        host=host,
        port=port,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        log_level="warning",
        access_log=False,
        limit_concurrency=32,
        h11_max_incomplete_event_size=16_384,
    )


@app.command("mt5-record")
def record(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="A symbol under the broker's name.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where it is written.")] = Path(
        "mt5-record.json"
    ),
    profile: Annotated[str, typer.Option("--profile", metavar="NAME", help="Whose terminal, as in [mt5.NAME].")] = "",
    config: ConfigOption = None,
) -> None:
    """Write down what the package of this machine really gives, without names and numbers of the account. Sends no order."""
    from qkt.brokers.mt5.account import AccountError
    from qkt.brokers.mt5.native import package
    from qkt.brokers.mt5.recording import missing
    from qkt.brokers.mt5.recording import record as recorded
    from qkt.brokers.mt5.terminal import TerminalError
    from qkt.core.clock import SystemClock

    try:
        module = package()
    except TerminalError as problem:
        raise AccountError(problem.text) from None
    opening = _profile(profile, config) if profile else None
    login = {} if opening is None else opening.login
    path = [opening.path] if opening is not None and opening.path else []
    if not module.initialize(*path, **login):
        raise AccountError("the terminal does not open: {1} ({0})".format(*module.last_error()))
    now = SystemClock().now() // 1000
    try:
        found = recorded(module, symbol, now - 7 * 86_400, now + 86_400)
    finally:
        module.shutdown()
    output.write_text(json.dumps(found, indent=1, default=str), encoding="utf-8")
    lacking = missing(found)
    print(f"written to {output}; {', '.join(lacking) + ' are missing' if lacking else 'every field that is read is there'}")
    if lacking:
        raise typer.Exit(1)


def _local(name: str, config: Path | None) -> Terminal:
    from qkt.brokers.mt5.account import AccountError
    from qkt.brokers.mt5.native import MISSING, installed
    from qkt.config import ConfigError

    profile = _profile(name, config)
    if profile.gateway_url is not None:
        raise ConfigError("its terminal is behind a gateway itself", where=f"mt5.{name}", expected="a terminal on this machine")
    if not installed():
        raise AccountError(MISSING, where=f"mt5.{name}")
    return profile.terminal()


def _simulator() -> Terminal:
    from qkt.brokers.mt5.simulator.served import served

    return served()


def _token(file: Path | None) -> str:
    """Raises ConfigError for a file that cannot be read."""
    from qkt.config import ConfigError

    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except OSError as problem:
            raise ConfigError(f"cannot be read ({problem.strerror})", where=str(file)) from None
    return os.environ.get(TOKEN, "")
