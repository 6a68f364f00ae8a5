"""A result in, files out: a page to look at, tables to reckon with, the proof that nobody changed them; two of them compared.

The room must not know how a run was made or who asked for it. The page is drawn with bokeh and jinja2 (extra `report`), which
are imported where a page is made and nowhere else.
"""

from qkt.report.bundle import require_report_folder, write_report

__all__ = ["require_report_folder", "write_report"]
