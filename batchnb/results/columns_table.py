"""The tables of `docs/frames.md`: every column of every frame, as it is declared.

python -m batchnb.results.columns_table
"""

from __future__ import annotations

import sys

from batchnb.results.catalogue import ALL_FRAMES, describe_columns


def markdown() -> str:
    """Return a section per frame, with a table of its columns."""
    return "\n".join(_section(name) for name in ALL_FRAMES)


def _section(name: str) -> str:
    rows = [
        f"| `{row.name}` | {row.dtype} | {row.doc.replace('|', '/')} |"
        for row in describe_columns(name).itertuples(index=False)
    ]
    return "\n".join([f"## {name}", "", "| Column | dtype | Meaning |", "|---|---|---|", *rows, ""])


def main() -> int:
    """Print the tables."""
    sys.stdout.write(markdown())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
