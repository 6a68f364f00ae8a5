"""Market data: what files, the store and generators hold becomes ticks; ticks become candles.

Files of many layouts, the Parquet tick store and seeded synthetic data flow in; out flow tables of ticks or bars in order of
time, the merged tape of several symbols, candles, and a report that counts what was left out and why. It must not know
strategies, orders or money, nor who replays the tape.
"""

from qkt.data.bars import PathPoint, bar_path
from qkt.data.candles import Bar, CandleBuilder
from qkt.data.folding import CandleFolder, ClosedBars
from qkt.data.layouts import parse_mapping
from qkt.data.observations import ObservationBuilder, ObservationFolder
from qkt.data.opening import open_data
from qkt.data.report import DataReport, Gap
from qkt.data.sample import SampleFile, write_sample
from qkt.data.sources import BarSource, TickSource
from qkt.data.store import Store, default_root
from qkt.data.synthetic import synthesize
from qkt.data.tables import BarTable, TickTable, joined, mid_price, mid_prices
from qkt.data.tape import Chunk, first_rows, merge
from qkt.data.ticks import optional_list, table_ticks, ticks_of

__all__ = [
    "Bar",
    "BarSource",
    "BarTable",
    "CandleBuilder",
    "CandleFolder",
    "Chunk",
    "ClosedBars",
    "DataReport",
    "Gap",
    "ObservationBuilder",
    "ObservationFolder",
    "PathPoint",
    "SampleFile",
    "Store",
    "TickSource",
    "TickTable",
    "bar_path",
    "default_root",
    "first_rows",
    "joined",
    "merge",
    "mid_price",
    "mid_prices",
    "open_data",
    "optional_list",
    "parse_mapping",
    "synthesize",
    "table_ticks",
    "ticks_of",
    "write_sample",
]
