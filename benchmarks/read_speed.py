"""Reading a panel of 1,365 townships and 6 years from .xlsx against openpyxl's read-only mode alone, in turn.

    python benchmarks/read_speed.py

Prints the median of the paired ratios; exit 1 above the target.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import openpyxl
import pandas as pd

from reform_analysis.ingest import read_panel
from reform_analysis.panel_columns import DENOMINATORS, MEASURES, OUTCOMES

TARGET = 3.0
PAIRS = 7
UNITS, YEARS = 1365, tuple(range(2018, 2024))


def write(path: Path) -> None:
    number = np.repeat(np.arange(UNITS), len(YEARS))
    rng = np.random.default_rng(1)
    texts = {
        "unit_id": [f"u{n:04d}" for n in number],
        "unit_name": [f"第{n}街道" for n in number],
        "county": [f"第{n % 89}县" for n in number],
        "city": [f"第{n % 89 % 11}市" for n in number],
        "period": [str(year) for year in YEARS] * UNITS,
        "pilot": number < 89,
        "adopted": ["2021-05" if n < 89 else "" for n in number],
    }
    counts = {name: rng.poisson(9, len(number)) for name in (*OUTCOMES, *DENOMINATORS, *MEASURES)}
    pd.DataFrame(texts | counts).to_excel(path, index=False)


def plain(path: Path) -> int:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    return sum(len(row) for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))


def seconds(call: object, path: Path) -> float:
    begun = perf_counter()
    call(path)
    return perf_counter() - begun


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.xlsx"
        write(path)
        read_panel(path), plain(path)  # imports and the file cache
        pairs = [(seconds(read_panel, path), seconds(plain, path)) for _ in range(PAIRS)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(our / their for our, their in pairs)
    print(f"read_panel {ours:.2f} s, openpyxl {theirs:.2f} s, median ratio {ratio:.2f} (target {TARGET})")
    return int(ratio > TARGET)


if __name__ == "__main__":
    sys.exit(main())
