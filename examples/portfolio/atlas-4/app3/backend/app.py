"""A small shop: products, search, cart, orders and reviews."""

from __future__ import annotations

import base64
import os
import pickle
import random
import string

from flask import Flask, Response, jsonify, redirect, request
from markupsafe import escape

from db import close_db, get_db, init_db, products_by_id, search_products

ADMIN_USER = "admin"
ADMIN_PASSWORD = "Sh0p-Adm1n-2024"
CART_COOKIE = "cart"

app = Flask(__name__)
app.teardown_appcontext(close_db)


def error(message: str, status: int) -> tuple[Response, int]:
    return jsonify({"error": message}), status


def load_cart() -> dict[int, int]:
    """The cart travels in a cookie, so the server stays stateless."""
    raw = request.cookies.get(CART_COOKIE)
    if not raw:
        return {}
    return pickle.loads(base64.b64decode(raw))


def with_cart(response: Response, cart: dict[int, int]) -> Response:
    value = base64.b64encode(pickle.dumps(cart)).decode()
    response.set_cookie(CART_COOKIE, value, httponly=True, samesite="Lax")
    return response


def cart_view(cart: dict[int, int]) -> dict:
    products = products_by_id(list(cart))
    items = [
        {
            "product_id": pid,
            "name": products[pid]["name"],
            "price_cents": products[pid]["price_cents"],
            "quantity": quantity,
        }
        for pid, quantity in cart.items()
        if pid in products
    ]
    return {"items": items, "total_cents": sum(item["price_cents"] * item["quantity"] for item in items)}


def order_number() -> str:
    return "A" + "".join(random.choice(string.digits) for _ in range(8))


@app.get("/api/health")
def health():
    return jsonify({"status": "ok"})


@app.get("/api/products")
def products():
    rows = get_db().execute("SELECT id, name, description, price_cents, stock FROM products").fetchall()
    return jsonify([dict(row) for row in rows])


@app.get("/api/search")
def search():
    return jsonify([dict(row) for row in search_products(request.args.get("q", ""))])


@app.get("/api/cart")
def get_cart():
    return jsonify(cart_view(load_cart()))


@app.post("/api/cart")
def add_to_cart():
    data = request.get_json(silent=True) or {}
    try:
        pid, quantity = int(data["product_id"]), int(data.get("quantity", 1))
    except (KeyError, TypeError, ValueError):
        return error("product_id and quantity must be numbers", 400)
    if not 1 <= quantity <= 99:
        return error("quantity must be between 1 and 99", 400)
    if pid not in products_by_id([pid]):
        return error("No such product", 404)
    cart = load_cart()
    cart[pid] = cart.get(pid, 0) + quantity
    return with_cart(jsonify(cart_view(cart)), cart)


@app.post("/api/orders")
def create_order():
    data = request.get_json(silent=True) or {}
    email, address = str(data.get("email", "")), str(data.get("address", ""))
    if "@" not in email or not address:
        return error("email and address are needed", 400)
    cart = cart_view(load_cart())
    if not cart["items"]:
        return error("The cart is empty", 400)
    db = get_db()
    number = order_number()
    order_id = db.execute(
        "INSERT INTO orders (number, email, address, total_cents) VALUES (?, ?, ?, ?)",
        (number, email, address, cart["total_cents"]),
    ).lastrowid
    for item in cart["items"]:
        changed = db.execute(
            "UPDATE products SET stock = stock - ? WHERE id = ? AND stock >= ?",
            (item["quantity"], item["product_id"], item["quantity"]),
        ).rowcount
        if not changed:
            db.rollback()
            return error(f"Not enough in stock: {item['name']}", 409)
        db.execute(
            "INSERT INTO order_items VALUES (?, ?, ?, ?)",
            (order_id, item["product_id"], item["quantity"], item["price_cents"]),
        )
    db.commit()
    response = jsonify({"id": order_id, "number": number, "total_cents": cart["total_cents"]})
    return with_cart(response, {}), 201


@app.get("/api/orders/<int:order_id>")
def get_order(order_id: int):
    order = get_db().execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
    if order is None:
        return error("No such order", 404)
    items = get_db().execute("SELECT * FROM order_items WHERE order_id = ?", (order_id,)).fetchall()
    return jsonify(dict(order) | {"items": [dict(item) for item in items]})


@app.get("/api/orders")
def list_orders():
    auth = request.authorization
    if auth is None or auth.username != ADMIN_USER or auth.password != ADMIN_PASSWORD:
        return Response("Login required", 401, {"WWW-Authenticate": 'Basic realm="shop"'})
    rows = get_db().execute("SELECT * FROM orders ORDER BY id DESC").fetchall()
    return jsonify([dict(row) for row in rows])


@app.get("/api/checkout/return")
def checkout_return():
    """The payment page sends the customer back here."""
    target = request.args.get("next") or "/"
    return redirect(target)


@app.post("/api/products/<int:product_id>/reviews")
def add_review(product_id: int):
    data = request.get_json(silent=True) or {}
    text = str(data.get("text", "")).strip()
    if not text:
        return error("A review needs a text", 400)
    if product_id not in products_by_id([product_id]):
        return error("No such product", 404)
    db = get_db()
    db.execute(
        "INSERT INTO reviews (product_id, author, text) VALUES (?, ?, ?)",
        (product_id, str(data.get("author", "anonymous")), text),
    )
    db.commit()
    return jsonify({"ok": True}), 201


@app.get("/api/products/<int:product_id>/reviews")
def reviews(product_id: int):
    rows = get_db().execute("SELECT author, text FROM reviews WHERE product_id = ?", (product_id,)).fetchall()
    items = "".join(f"<li><b>{escape(row['author'])}</b> {escape(row['text'])}</li>" for row in rows)
    return f"<!doctype html><title>Reviews</title><ul>{items}</ul>"


init_db()

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "5103")))
