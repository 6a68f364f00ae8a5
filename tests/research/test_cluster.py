"""The same jobs on a Dask cluster: the same bytes, though a worker is killed on the way."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from qkt.backtest.prepared import Prepared
from qkt.core.errors import QktError
from qkt.research.job import Means, Standing
from qkt.research.space import Space
from qkt.research.sweep import Asked, sweep

distributed = pytest.importorskip("distributed")

GRID = Asked(Space.parse(["fast=2..5", "slow=6,9,12"]))


def test_a_cluster_gives_the_same_bytes_though_a_worker_is_killed(ready: Prepared, tmp_path: Path) -> None:
    sweep(ready, GRID, tmp_path / "alone", means=Means(workers=1))
    killed: list[int] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True, local_directory=str(tmp_path)
    ) as cluster:
        for nanny in cluster.workers.values():
            nanny.auto_restart = False  # one worker is left, and has to do it all

        def tell(standing: Standing) -> None:
            if standing.done and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        sent = sweep(ready, GRID, tmp_path / "sent", means=Means(cluster=cluster.scheduler_address, tell=tell))
        assert sent is not None
        shared = Means(cluster=cluster.scheduler_address, shared=tmp_path)
        assert sweep(ready, GRID, tmp_path / "read", means=shared) is not None
    assert killed
    for name in ("table.csv", "result.json"):
        alone = (tmp_path / "alone" / name).read_bytes()
        assert (tmp_path / "sent" / name).read_bytes() == alone
        assert (tmp_path / "read" / name).read_bytes() == alone


def test_an_address_where_nobody_is_is_a_sentence(ready: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qkt.research.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(QktError, match="no Dask scheduler answers"):
        sweep(ready, GRID, tmp_path, means=Means(cluster="tcp://127.0.0.1:9"))
