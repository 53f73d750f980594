"""A bar for a loop that a person waits for, and nothing where nobody looks: batches, files, pipes."""

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import TqdmWarning

with warnings.catch_warnings():
    # Without ipywidgets tqdm warns and draws in text, which JupyterLab shows as well.
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm

DELAY = 2.0  # seconds without a bar: what is done by then needs none


class _Bar(tqdm):
    """Every step looks at the clock, so that no thread is needed that wakes sleeping bars."""

    monitor_interval = 0


@contextmanager
def shown(items: Iterable[Any] | None = None, *, total: int | None = None, unit: str) -> Iterator[Any]:
    """Open a bar, which shows itself after two seconds and goes when the block is left, interrupted or not.

    Parameters
    ----------
    items : iterable, optional
        What to go through; without it the block calls ``update()``.
    total : int, optional
        Steps; by default the length of `items`, if it has one.
    unit : str
        What a step is, in the singular.

    Yields
    ------
    tqdm
        Iterable, the same items in the same order.

    Examples
    --------
    >>> with shown(range(3), unit="draw") as draws:
    ...     [draw**2 for draw in draws]
    [0, 1, 4]
    """
    quiet = {} if is_watched() else {"disable": True}  # else TQDM_DISABLE decides
    with _Bar(items, total=total, unit=f" {unit}s", delay=DELAY, miniters=1, leave=False, **quiet) as bar:
        yield bar


def is_watched() -> bool:
    """Return whether a person looks on: at a terminal, or at a front end that can ask for input.

    Returns
    -------
    bool
        False in notebooks that nbclient, papermill or nbconvert run: they let no cell ask for input.
    """
    application = getattr(sys.modules.get("ipykernel.kernelapp"), "IPKernelApp", None)
    if application is not None and application.initialized():
        return bool(getattr(application.instance().kernel, "_allow_stdin", False))
    return sys.stderr is not None and sys.stderr.isatty()
