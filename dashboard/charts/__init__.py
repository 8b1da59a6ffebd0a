"""Arrays and metrics to Plotly figures. No streamlit, no store: values in, figure out.

Plotly reads a small HTML in every text it draws, so whatever a user named goes through :func:`text` first.
"""

from dashboard.charts.bars import class_counts, shares
from dashboard.charts.curves import curve
from dashboard.charts.ink import Template, shorten, text
from dashboard.charts.matrices import Counts, aligned
from dashboard.charts.reliability import reliability
from dashboard.charts.timeline import timeline

__all__ = [
    "Counts",
    "Template",
    "aligned",
    "class_counts",
    "curve",
    "reliability",
    "shares",
    "shorten",
    "text",
    "timeline",
]
