"""Test whether the measures of a pilot reform go with falling litigation losses.

One module for one thing: the import line names the method (``from reform_analysis import published``).
The names below are handed on lazily (PEP 562), so ``import reform_analysis`` loads no heavy library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reform_analysis import (
        correlate,
        counts,
        describe,
        did,
        estimates,
        ingest,
        panel,
        places,
        plots,
        power,
        published,
        randomise,
        report,
        robustness,
        schema,
        simulate,
        tables,
        wording,
    )
    from reform_analysis.correlate import association
    from reform_analysis.estimates import DataError, DesignError, Estimates, ReportError
    from reform_analysis.ingest import read_panel
    from reform_analysis.published import compare_counts, load_context, load_figures
    from reform_analysis.schema import validate_panel

__version__ = "0.1.0"

_MODULES = (
    "correlate",
    "counts",
    "describe",
    "did",
    "estimates",
    "ingest",
    "panel",
    "places",
    "plots",
    "power",
    "published",
    "randomise",
    "report",
    "robustness",
    "schema",
    "simulate",
    "tables",
    "wording",
)
_NAMES = {
    "DataError": "estimates",
    "DesignError": "estimates",
    "Estimates": "estimates",
    "ReportError": "estimates",
    "association": "correlate",
    "compare_counts": "published",
    "load_context": "published",
    "load_figures": "published",
    "read_panel": "ingest",
    "validate_panel": "schema",
}

__all__ = [
    "DataError",
    "DesignError",
    "Estimates",
    "ReportError",
    "association",
    "compare_counts",
    "correlate",
    "counts",
    "describe",
    "did",
    "estimates",
    "ingest",
    "load_context",
    "load_figures",
    "panel",
    "places",
    "plots",
    "power",
    "published",
    "randomise",
    "read_panel",
    "report",
    "robustness",
    "schema",
    "simulate",
    "tables",
    "validate_panel",
    "wording",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"reform_analysis.{name}")
    if name in _NAMES:
        return getattr(import_module(f"reform_analysis.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'reform_analysis' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
