"""What the dashboard costs: the lines of its budget, each with its limit.

    python benchmarks/dashboard.py [--seconds 60] [--minutes 12] [--json]

First the dashboard alone before a film of frames (`dashboard_film.py`), then the real programs on terminals of ours before an
engine with eight sessions on 30 symbols and 1,000 ticks a second (`dashboard_program.py`; Linux). `--minutes` is how long the
dashboard whose memory is measured has been attached by then. What a hosted one takes of a processor is the difference between
an engine with it and the same after it has been left. Exit code 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

from dashboard_film import Figures, measured
from dashboard_program import attached, hosted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")  # the dearest colours, whatever terminal this runs in
    figures: Figures = []
    for part in (
        lambda: asyncio.run(measured(options.seconds, attached=False)),
        lambda: asyncio.run(measured(options.seconds, attached=True)),
        lambda: hosted(options.seconds),
        lambda: attached(options.seconds, options.minutes),
    ):
        found = part()
        figures += found
        if not options.json:
            for figure in found:
                print(line(*figure), flush=True)
    if options.json:
        print(json.dumps([{"what": w, "value": round(v, 3), "limit": limit, "unit": u} for w, v, limit, u in figures]))
    return int(any(value > limit for _, value, limit, _ in figures))


def line(what: str, value: float, limit: float, unit: str) -> str:
    return f"{what:<62}{value:9.2f} {unit:<5} limit {limit:<5g} {'ok' if value <= limit else 'OVER'}"


if __name__ == "__main__":
    sys.exit(main())
