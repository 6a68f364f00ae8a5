"""A real Prometheus scrapes a real engine. Skipped where none is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess

import anyio
import httpx
import pytest

from qkt.config import Config, Observe
from qkt.observe.observer import observing

pytestmark = pytest.mark.anyio

SCRAPE = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - {{job_name: qkt, static_configs: [{{targets: ["{target}"]}}]}}
"""


async def test_prometheus_scrapes_a_running_engine(engine, tmp_path):
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    async with observing(engine, Config(observe=Observe(port=0))) as observer:
        with anyio.fail_after(40):
            while observer.address is None:
                await anyio.sleep(0.01)
            (tmp_path / "p.yml").write_text(SCRAPE.format(target=observer.address.removeprefix("http://")))
            command = [
                "prometheus",
                f"--config.file={tmp_path / 'p.yml'}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address={address}",
            ]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                found = await asked(f"http://{address}", 'qkt_ticks_total{session="one"}')
                assert found == "1000"
                assert await asked(f"http://{address}", 'max_over_time(up{job="qkt"}[1m])') == "1"
                assert float(await asked(f"http://{address}", "scrape_samples_scraped")) > 200
            finally:
                process.kill()  # what it has stored is of no interest
                process.wait(10)


async def asked(address, query):
    """The value of the first series, once there is one."""
    async with httpx.AsyncClient() as client:
        while True:
            try:
                answer = (await client.get(f"{address}/api/v1/query", params={"query": query})).json()
                if answer["data"]["result"]:
                    return answer["data"]["result"][0]["value"][1]
            except (httpx.TransportError, KeyError, ValueError):
                pass
            await anyio.sleep(0.1)
