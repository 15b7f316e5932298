"""Database access for the shop."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from flask import g

DATA_DIR = Path(os.environ.get("DATA_DIR", Path(__file__).resolve().parent / "data"))
DATA_DIR.mkdir(parents=True, exist_ok=True)
DATABASE = DATA_DIR / "shop.db"

SCHEMA = """
CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    price_cents INTEGER NOT NULL,
    stock INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    address TEXT NOT NULL,
    total_cents INTEGER NOT NULL,
    created TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS order_items (
    order_id INTEGER NOT NULL REFERENCES orders(id),
    product_id INTEGER NOT NULL REFERENCES products(id),
    quantity INTEGER NOT NULL,
    price_cents INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS reviews (
    id INTEGER PRIMARY KEY,
    product_id INTEGER NOT NULL REFERENCES products(id),
    author TEXT NOT NULL,
    text TEXT NOT NULL
);
"""

PRODUCTS = [
    ("Oak desk", "Solid oak, 140 x 70 cm", 32900, 4),
    ("Desk lamp", "Warm light, dimmable", 4990, 20),
    ("Office chair", "Mesh back, adjustable arms", 18950, 7),
    ("Notebook", "A5, dotted, 160 pages", 790, 200),
    ("Fountain pen", "Medium nib", 2450, 35),
]


def get_db() -> sqlite3.Connection:
    """One connection per request."""
    if "db" not in g:
        g.db = sqlite3.connect(DATABASE)
        g.db.row_factory = sqlite3.Row
    return g.db


def close_db(_error: BaseException | None = None) -> None:
    db = g.pop("db", None)
    if db is not None:
        db.close()


def init_db() -> None:
    with sqlite3.connect(DATABASE) as db:
        db.executescript(SCHEMA)
        if db.execute("SELECT count(*) FROM products").fetchone()[0] == 0:
            db.executemany(
                "INSERT INTO products (name, description, price_cents, stock) VALUES (?, ?, ?, ?)", PRODUCTS
            )


def search_products(text: str) -> list[sqlite3.Row]:
    pattern = f"%{text}%"
    return get_db().execute(
        "SELECT id, name, description, price_cents, stock FROM products WHERE name LIKE ? OR description LIKE ?",
        (pattern, pattern),
    ).fetchall()


def products_by_id(ids: list[int]) -> dict[int, sqlite3.Row]:
    if not ids:
        return {}
    marks = ", ".join("?" for _ in ids)
    rows = get_db().execute(f"SELECT * FROM products WHERE id IN ({marks})", ids).fetchall()
    return {row["id"]: row for row in rows}
