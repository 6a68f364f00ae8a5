"""A short drive of the order room with a venue that answers as it likes; `.ci/nightly` drives it for 20,000 steps."""

import os

from hypothesis import HealthCheck, settings

from tests.orders.order_machine import OrderRoom

RUNS = int(os.environ.get("QKT_ORDER_RUNS", "20"))

TestOrderRoom = OrderRoom.TestCase
TestOrderRoom.settings = settings(
    max_examples=RUNS, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
