"""Set two results of the race side by side.

python bench/compare.py before.json after.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from report import geometric_mean


def main() -> None:
    """Microseconds before and after, and how many times as fast, for every case that both have."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    before, after = (json.loads(Path(name).read_text()) for name in sys.argv[1:])
    print(f"{'case':42}{before['commit']:>12}{after['commit']:>12}{'faster':>9}")
    gains = []
    for case, times in before["best"].items():
        later = after["best"].get(case, {})
        if "gatewise" in times and "gatewise" in later:
            gains.append(times["gatewise"] / later["gatewise"])
            print(f"{case:42}{times['gatewise'] * 1e6:12.4g}{later['gatewise'] * 1e6:12.4g}{gains[-1]:9.2f}")
    print(f"geometric mean {geometric_mean(gains):.3f}")


if __name__ == "__main__":
    main()
