from __future__ import annotations

from support import REPOSITORY

from batchnb.results.catalogue import ALL_FRAMES as FRAMES
from batchnb.results.columns_table import main, markdown


def test_every_column_of_every_frame_is_in_it():
    text = markdown()
    for name, columns in FRAMES.items():
        section = text.split(f"## {name}\n")[1].split("\n## ")[0]
        for column in columns:
            assert section.count(f"| `{column.name}` |") == 1
    assert all(line.count(" | ") == 2 for line in text.splitlines() if line.startswith("| `"))


def test_it_is_printed(capsys):
    assert main() == 0
    assert "| `cwe` | Int64 |" in capsys.readouterr().out


def test_the_docs_have_the_tables_of_today():
    text = (REPOSITORY / "docs" / "frames.md").read_text(encoding="utf-8")
    assert text.endswith(f"\n\n{markdown()}")
