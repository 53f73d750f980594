"""Test whether the measures of a pilot reform go with falling litigation losses.

One module for one thing: the import line names the method (``from reform_analysis import published``).
The names below are handed on lazily (PEP 562), so ``import reform_analysis`` loads no heavy library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reform_analysis import estimates, plots, published, report, schema, tables, wording
    from reform_analysis.estimates import DataError, DesignError, Estimates, ReportError
    from reform_analysis.published import compare_counts, load_context, load_figures

__version__ = "0.1.0"

_MODULES = ("estimates", "plots", "published", "report", "schema", "tables", "wording")
_NAMES = {
    "DataError": "estimates",
    "DesignError": "estimates",
    "Estimates": "estimates",
    "ReportError": "estimates",
    "compare_counts": "published",
    "load_context": "published",
    "load_figures": "published",
}

__all__ = [
    "DataError",
    "DesignError",
    "Estimates",
    "ReportError",
    "compare_counts",
    "estimates",
    "load_context",
    "load_figures",
    "plots",
    "published",
    "report",
    "schema",
    "tables",
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
