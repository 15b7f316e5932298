"""The figures that the docs quote: the engine beside other systems, discovery, staging, findings frame.

make bench [BENCH=--quick]
"""

from __future__ import annotations

import argparse

from benchmarks import engine


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description="Print the figures that the docs quote.")
    parser.add_argument("--quick", action="store_true", help="fewer tasks and rounds; rough figures")
    parser.add_argument("--engine", action="store_true", help="only the engine beside other systems")
    chosen = parser.parse_args()
    engine.report(engine.QUICK if chosen.quick else engine.Size())
    if not chosen.engine:
        from benchmarks import figures, log  # noqa: PLC0415 - every measuring process imports this, pandas not

        log.report()
        figures.report()


if __name__ == "__main__":
    main()
