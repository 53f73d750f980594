"""Import of the package against import of pandas, each in a fresh process, in turn.

    python benchmarks/import_time.py

Prints the median of the paired ratios; exit 1 above the target.
"""

import statistics
import subprocess
import sys
from time import perf_counter

TARGET = 0.5
PAIRS = 15


def seconds(statement: str) -> float:
    begun = perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return perf_counter() - begun


def main() -> int:
    statements = ("import reform_analysis", "import pandas")
    for statement in statements:
        seconds(statement)  # fills the file cache
    pairs = [tuple(seconds(statement) for statement in statements) for _ in range(PAIRS)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(our / their for our, their in pairs)
    print(f"reform_analysis {ours:.3f} s, pandas {theirs:.3f} s, median ratio {ratio:.2f} (target {TARGET})")
    return int(ratio > TARGET)


if __name__ == "__main__":
    sys.exit(main())
