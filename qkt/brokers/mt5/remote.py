"""The way to a gateway on another machine, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from qkt.brokers.mt5.constants import LastError
from qkt.brokers.mt5.gateway import PATH
from qkt.brokers.mt5.terminal import TerminalError

CALL_S = 15.0


class Gateway:
    """A carrier to the gateway at `url`. `verify` is the file of the authority that signed its certificate, where it is not a
    public one; `transport` is for tests."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        seconds: float = CALL_S,
        verify: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/") + PATH
        self._client = httpx.Client(
            headers={"authorization": f"Bearer {token}"},
            timeout=seconds,
            verify=verify or True,
            transport=transport,
            trust_env=False,
        )

    def open(self) -> None:
        """Nothing is kept open between two calls."""

    def close(self) -> None:
        """The gateway goes on; others may use it."""

    def call(self, message: dict[str, Any]) -> Any:
        name = message["method"]
        try:
            response = self._client.post(self._url, json=message)
        except httpx.ConnectError as problem:
            raise TerminalError(LastError.NO_CONNECTION, f"the gateway at {self._url} is not reached ({problem})") from None
        except httpx.HTTPError as problem:
            why = str(problem) or type(problem).__name__
            raise TerminalError(LastError.RECEIVE_FAILED, f"{name}: the gateway does not answer ({why})") from None
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise TerminalError(LastError.AUTH_FAILED, "the gateway does not take this token (set api_key in the profile)")
        if response.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.REQUEST_ENTITY_TOO_LARGE):
            raise TerminalError(LastError.INVALID_PARAMS, f"{name}: the gateway refused the call ({response.text[:200]})")
        if response.status_code != httpx.codes.OK:
            raise TerminalError(LastError.RECEIVE_FAILED, f"{name}: the gateway answered {response.status_code}")
        try:
            return response.json()
        except ValueError:
            raise TerminalError(LastError.RECEIVE_FAILED, f"{name}: the gateway's answer is not JSON") from None
