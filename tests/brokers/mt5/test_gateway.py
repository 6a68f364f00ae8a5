"""The gateway gives nothing to who has no token, refuses what is no call, and survives everything."""

import json
import os
import random
from decimal import Decimal
from typing import Any

import anyio
import httpx
import pytest

from qkt.brokers.mt5 import gateway
from qkt.brokers.mt5.distant import DistantTerminal
from qkt.brokers.mt5.gateway import BODY, PATH, application
from qkt.brokers.mt5.messages import METHODS
from qkt.brokers.mt5.native import NativeTerminal
from qkt.brokers.mt5.remote import Gateway
from qkt.brokers.mt5.simulator import SimSymbol, SimulatedPackage, Venue
from qkt.brokers.mt5.terminal import TerminalError

TOKEN = "a token of the test that is long enough"
GOOD = {"authorization": f"Bearer {TOKEN}"}
REQUESTS = int(os.environ.get("QKT_GATEWAY_REQUESTS", "400"))


@pytest.fixture
def package() -> SimulatedPackage:
    venue = Venue([SimSymbol("EURUSD")])
    venue.quote("EURUSD", 1_704_880_800_000, Decimal("1.1"), Decimal("1.1001"))
    return SimulatedPackage(venue)


def ask(package: SimulatedPackage, content: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(application(NativeTerminal(package), TOKEN))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.post(PATH, content=content, headers=GOOD if headers is None else headers)

    return anyio.run(post)


class InProcess(httpx.BaseTransport):
    """Carries requests of a blocking client into the application."""

    def __init__(self, package: SimulatedPackage) -> None:
        self._app = application(NativeTerminal(package), TOKEN)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def handle() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport) as client:
                response = await client.send(
                    httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
                )
                return httpx.Response(response.status_code, content=response.content)

        return anyio.run(handle)


def test_a_terminal_behind_a_gateway_is_the_same_terminal(package: SimulatedPackage) -> None:
    here, there = NativeTerminal(package), DistantTerminal(Gateway("http://gateway", TOKEN, transport=InProcess(package)))
    there.initialize()
    order = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1, "comment": "abcdef-1"}
    assert there.order_send(order).retcode == 10009
    assert there.symbol_select("EURUSD")
    for name, arguments in (
        ("account_info", ()),
        ("symbol_info", ("EURUSD",)),
        ("symbol_info", ("NOTHING",)),
        ("positions_get", ()),
        ("orders_get", ()),
        ("history_deals_get", (0, 1 << 40)),
        ("copy_ticks_from", ("EURUSD", 0, 10)),
        ("copy_rates_range", ("EURUSD", 1, 0, 1 << 40)),
    ):
        assert getattr(there, name)(*arguments) == getattr(here, name)(*arguments)


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", TOKEN, f"Bearer {TOKEN} ", f"bearer {TOKEN}"])
def test_a_wrong_token_is_refused_in_constant_time(
    package: SimulatedPackage, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    real = gateway.hmac.compare_digest
    monkeypatch.setattr(gateway.hmac, "compare_digest", lambda *pair: compared.append(pair) or real(*pair))
    response = ask(package, json.dumps({"method": "account_info", "arguments": []}), {"authorization": given})
    assert response.status_code == 401
    assert len(compared) == 1
    with pytest.raises(TerminalError, match="token"):
        DistantTerminal(Gateway("http://gateway", "no", transport=InProcess(package))).initialize()


def test_short_tokens_oversized_bodies_and_unknown_methods_are_refused(package: SimulatedPackage) -> None:
    with pytest.raises(ValueError, match="16 characters"):
        application(NativeTerminal(package), "short")
    assert ask(package, b" " * (BODY + 1)).status_code == 413
    for message in ({"method": "__init__", "arguments": []}, {"method": "order_send"}, [], {"method": ["x"], "arguments": []}):
        assert ask(package, json.dumps(message)).status_code == 400
    unknown = {"method": "order_send", "arguments": [{"action": 1, "evil": 2}]}
    assert ask(package, json.dumps(unknown)).status_code == 400
    assert package.sends == 0


def test_it_survives_fuzzed_requests(package: SimulatedPackage) -> None:
    pick = random.Random(8)

    def noise(depth: int = 0) -> Any:
        what = pick.randrange(9 if depth < 3 else 6)
        if what < 6:
            return [None, True, pick.randint(-(1 << 70), 1 << 70), pick.random() * 1e308, "x" * pick.randint(0, 90), ""][what]
        if what == 6:
            return [noise(depth + 1) for _ in range(pick.randint(0, 4))]
        return {pick.choice(["action", "symbol", "volume", "method", "é"]): noise(depth + 1) for _ in range(3)}

    def body() -> bytes:
        what = pick.random()
        if what < 0.2:
            return pick.randbytes(pick.randint(0, 300))
        if what < 0.3:
            return b"[" * pick.randint(1, 60_000)
        message = {"method": pick.choice([*METHODS, "eval", ""]), "arguments": [noise() for _ in range(pick.randint(0, 4))]}
        text = json.dumps(message if what < 0.8 else noise()).encode()
        return text[: pick.randint(0, len(text))] if what > 0.95 else text

    async def storm() -> set[int]:
        transport = httpx.ASGITransport(application(NativeTerminal(package), TOKEN))
        seen = set()
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            for _ in range(REQUESTS):
                response = await client.request(
                    pick.choice(["POST", "POST", "POST", "GET"]),
                    pick.choice([PATH, PATH, PATH, "/"]),
                    content=body(),
                    headers=GOOD,
                )
                seen.add(response.status_code)
            good = await client.post(PATH, json={"method": "initialize", "arguments": []}, headers=GOOD)
            assert good.json() == {"result": None}
        return seen

    assert anyio.run(storm) <= {200, 400, 404, 405, 413}
