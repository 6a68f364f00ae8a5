"""`kill -9` at any point of an engine's work changes nothing of what it comes to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUNS = int(os.environ.get("QKT_KILL_RUNS", "16"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_killed_engine_goes_on_and_comes_to_the_same(request: pytest.FixtureRequest) -> None:
    words = [sys.executable, "-m", "tests.runtime.kill_points", "--runs", str(RUNS)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{RUNS} equal to the run left alone" in done.stdout
