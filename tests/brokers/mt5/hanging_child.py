"""A child process whose package hangs in the call that the first argument names, once it has done it when the second says so.
The account outlives the process in a file."""

import json
import sys
import time
from decimal import Decimal
from pathlib import Path

from qkt.brokers.mt5.child import serve
from qkt.brokers.mt5.native import NativeTerminal
from qkt.brokers.mt5.simulator import SimSymbol, SimulatedPackage, Venue

START = 1_704_880_800_000


class Hanging(SimulatedPackage):
    def __init__(self, file: Path, after: bool) -> None:
        self.file, self.after = file, after
        super().__init__(Venue([SimSymbol("EURUSD")]))
        self.venue.quote("EURUSD", START, Decimal("1.1"), Decimal("1.1001"))
        for request in json.loads(file.read_text()) if file.exists() else []:
            self.venue.execute(request)

    def order_send(self, request):  # type: ignore[no-untyped-def]
        if self.file.exists():
            return super().order_send(request)
        self.file.write_text(json.dumps([request] if self.after else []))
        time.sleep(60)
        return None


sys.stdin.readline()
print('{"result":null}', flush=True)
serve(NativeTerminal(Hanging(Path(sys.argv[1]), sys.argv[2] == "after")), sys.stdin, sys.stdout)
