"""The figures that the docs quote: the engine beside other systems, staging, frames, static analyses.

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
        # every measuring process imports this file, but pandas not
        from benchmarks import figures, frames, log, static  # noqa: PLC0415

        log.report()
        figures.report()
        frames.report(100_000 if chosen.quick else 1_000_000)
        static.report(8 if chosen.quick else 40)


if __name__ == "__main__":
    main()
