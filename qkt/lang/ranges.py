"""What percentages of prices may be, whether they are known when the file is checked or only when an order is built."""

from __future__ import annotations

# A protective price: percent points of the entry. A stop at half the price or more is a mistake.
LEAST_PERCENT = 0.01
STOP_PERCENT_LIMIT = 50.0
# A trail, which follows: more than nothing and less than everything.
TRAIL_PERCENT_LIMIT = 100.0
