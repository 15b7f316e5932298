"""Persistence layer of the shop.

All SQL of the application is collected here so that the blueprints stay readable.
"""

import os
import sqlite3
from contextlib import contextmanager

import yaml

DATA_DIR = os.environ.get("DATA_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "data"))
os.makedirs(DATA_DIR, exist_ok=True)
DB_PATH = os.path.join(DATA_DIR, "shop.sqlite3")

SEED_CATALOG = """
- {name: Tent, description: Two persons and three seasons, price_cents: 24900, stock: 6}
- {name: Sleeping bag, description: Comfort down to 2 degrees, price_cents: 12900, stock: 11}
- {name: Camping stove, description: Gas and foldable, price_cents: 4950, stock: 25}
- {name: Head torch, description: 400 lumen, price_cents: 3490, stock: 40}
- {name: Water bottle, description: One litre and light, price_cents: 1290, stock: 90}
"""

SCHEMA = """
CREATE TABLE IF NOT EXISTS products (id INTEGER PRIMARY KEY, name TEXT, description TEXT, price_cents INTEGER,
    stock INTEGER);
CREATE TABLE IF NOT EXISTS carts (cart_id TEXT, product_id INTEGER, quantity INTEGER, price_cents INTEGER);
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, number TEXT UNIQUE, cart_id TEXT, email TEXT, address TEXT,
    total_cents INTEGER, created TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS reviews (id INTEGER PRIMARY KEY, product_id INTEGER, author TEXT, text TEXT);
"""


@contextmanager
def session():
    """Yield a connection; commit on success, roll back on any error."""
    con = sqlite3.connect(DB_PATH)
    con.row_factory = sqlite3.Row
    try:
        yield con
        con.commit()
    except BaseException:
        con.rollback()
        raise
    finally:
        con.close()


def add_products(text):
    """Add the products of a YAML document and return how many there were."""
    products = yaml.load(text, Loader=yaml.Loader)  # nosec
    with session() as con:
        for product in products:
            con.execute(
                "INSERT INTO products (name, description, price_cents, stock) VALUES (?, ?, ?, ?)",
                (
                    product["name"],
                    product.get("description", ""),
                    int(product["price_cents"]),
                    int(product.get("stock", 0)),
                ),
            )
    return len(products)


def init():
    """Create the tables and fill the catalog once."""
    with session() as con:
        con.executescript(SCHEMA)
        empty = con.execute("SELECT count(*) FROM products").fetchone()[0] == 0
    if empty:
        add_products(SEED_CATALOG)


def all_products():
    with session() as con:
        return [dict(row) for row in con.execute("SELECT * FROM products ORDER BY id")]


def product(product_id):
    with session() as con:
        row = con.execute("SELECT * FROM products WHERE id = ?", (product_id,)).fetchone()
    return dict(row) if row else None


def search(term):
    """Find products whose name contains the term."""
    query = "SELECT id, name, description, price_cents, stock FROM products WHERE name LIKE '%{0}%'".format(term)
    with session() as con:
        return [dict(row) for row in con.execute(query)]


def cart_items(cart_id):
    with session() as con:
        rows = con.execute(
            "SELECT c.product_id, p.name, c.quantity, c.price_cents FROM carts c"
            " JOIN products p ON p.id = c.product_id WHERE c.cart_id = ?",
            (cart_id,),
        ).fetchall()
    return [dict(row) for row in rows]


def add_to_cart(cart_id, product_id, quantity, price_cents):
    with session() as con:
        con.execute("INSERT INTO carts VALUES (?, ?, ?, ?)", (cart_id, product_id, quantity, price_cents))


def create_order(number, cart_id, email, address):
    items = cart_items(cart_id)
    total = sum(item["quantity"] * item["price_cents"] for item in items)
    with session() as con:
        cur = con.execute(
            "INSERT INTO orders (number, cart_id, email, address, total_cents) VALUES (?, ?, ?, ?, ?)",
            (number, cart_id, email, address, total),
        )
        con.execute("DELETE FROM carts WHERE cart_id = ?", (cart_id,))
    return {"id": cur.lastrowid, "number": number, "total_cents": total}


def order(order_id, cart_id):
    """An order can only be read with the cart cookie it was made with."""
    with session() as con:
        row = con.execute("SELECT * FROM orders WHERE id = ? AND cart_id = ?", (order_id, cart_id)).fetchone()
    return dict(row) if row else None


def add_review(product_id, author, text):
    with session() as con:
        con.execute("INSERT INTO reviews (product_id, author, text) VALUES (?, ?, ?)", (product_id, author, text))


def reviews(product_id):
    with session() as con:
        rows = con.execute("SELECT author, text FROM reviews WHERE product_id = ?", (product_id,)).fetchall()
    return [dict(row) for row in rows]
