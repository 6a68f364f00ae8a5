"""What lies under deploy/ is true: dashboards and alerts name metrics that exist, and the programs meant take the files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.anyio
DEPLOY = Path(__file__).parents[2] / "deploy"
WORDS = re.compile(r"\bqkt_[a-z0-9_]+\b")


def needs(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def expressions():
    """Every query of the dashboard and of the alerts."""
    dashboard = json.loads((DEPLOY / "grafana" / "qkt.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield f"panel {panel['title']}", target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']}", variable["definition"]
    rules = (DEPLOY / "prometheus" / "qkt.rules.yml").read_text()
    for line in re.findall(r"expr: (.*)", rules):
        yield "rules", line


async def test_dashboard_and_alerts_name_only_metrics_that_exist(engine, observer):
    exist = {
        name
        for family in observer.collector.collect(engine.snapshot())
        for base in [family.name]
        for name in (base, f"{base}_total", f"{base}_bucket", f"{base}_sum", f"{base}_count", f"{base}_info")
        if (name.removeprefix(base) in ("_total",)) == (family.kind == "counter") or family.kind == "histogram"
    }
    named = {(where, word) for where, text in expressions() for word in WORDS.findall(text)}
    assert len({word for _, word in named}) > 45
    assert {(where, word) for where, word in named if word not in exist} == set()


async def test_every_metric_of_an_engine_is_on_the_dashboard_or_in_an_alert(engine, observer):
    shown = {word for _, text in expressions() for word in WORDS.findall(text)}
    families = {
        family.name for family in observer.collector.collect(engine.snapshot()) if not family.name.startswith("qkt_process")
    }
    hidden = {name for name in families if not any(word.startswith(name) for word in shown)}
    assert hidden <= {
        "qkt_account_link_up",
        "qkt_account_margin_used_ratio",
        "qkt_heartbeats_sent",
        "qkt_log_followers_missed",
        "qkt_queue_ticks_peak",
        "qkt_session_running",
        "qkt_trades",
    }


@pytest.mark.parametrize("arguments", ["check rules qkt.rules.yml", "test rules qkt.tests.yml", "check config prometheus.yml"])
def test_promtool_takes_the_rules(arguments):
    needs("promtool")
    command = ["promtool", *arguments.split()]
    done = subprocess.run(command, cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_systemd_takes_the_unit(tmp_path):
    needs("systemd-analyze")
    text = re.sub(r"^(User|Group)=.*$", "", (DEPLOY / "qkt.service").read_text(), flags=re.MULTILINE)
    unit = tmp_path / "qkt.service"  # on a machine without our user and program
    unit.write_text(text.replace("/opt/qkt/bin/qkt", str(shutil.which("true"))))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
