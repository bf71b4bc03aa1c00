"""Compare two results of the race.

    python bench/compare.py before.json after.json [--library gatewise]

Cases and thread counts that only one of them contains are counted but not compared.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rows import Row, geometric_mean, microseconds, rows_of


def main() -> None:
    """Print the time before and after, in microseconds, and the speedup, for every case in both results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="a result of race.py --out")
    parser.add_argument("after", type=Path, help="another one")
    parser.add_argument("--library", default="gatewise", help="the library to compare (default: gatewise)")
    options = parser.parse_args()
    results = [json.loads(path.read_text()) for path in (options.before, options.after)]
    before, after = (
        {(row.threads, row.case): row for row in rows_of(result) if options.library in row.best} for result in results
    )

    def show(row: Row) -> str:
        return microseconds(row.best[options.library])

    print(f"{'threads  case':46}{results[0]['commit']:>12}{results[1]['commit']:>12}{'faster':>9}")
    gains = []
    for key in before:
        if key in after:
            gains.append(before[key].best[options.library] / after[key].best[options.library])
            name = f"{key[0]:7}  {key[1].name}"
            print(f"{name:46}{show(before[key]):>12}{show(after[key]):>12}{gains[-1]:9.2f}")
    print(f"geometric mean of {len(gains)}: {geometric_mean(gains):.3f}")
    for path, own, other in ((options.before, before, after), (options.after, after, before)):
        alone = len(own.keys() - other.keys())
        if alone:
            print(f"cases only in {path}: {alone}")


if __name__ == "__main__":
    main()
