"""Blueprint: cart, orders and the way back from the payment page."""

import re
import secrets

from flask import Blueprint, jsonify, make_response, redirect, request

import store

orders = Blueprint("orders", __name__, url_prefix="/api")

CART_COOKIE = "cart_id"
RETURN_PATHS = ("/", "/cart", "/orders")


def cart_id():
    value = request.cookies.get(CART_COOKIE, "")
    return value if re.fullmatch(r"[0-9a-f]{32}", value) else secrets.token_hex(16)


def cart_response(key, status=200):
    items = store.cart_items(key)
    total = sum(item["quantity"] * item["price_cents"] for item in items)
    response = make_response(jsonify({"items": items, "total_cents": total}), status)
    response.set_cookie(CART_COOKIE, key, httponly=True, samesite="Lax")
    return response


@orders.route("/cart", methods=["GET"])
def show_cart():
    return cart_response(cart_id())


@orders.route("/cart", methods=["POST"])
def add_to_cart():
    data = request.get_json(silent=True) or {}
    product = store.product(data.get("product_id"))
    if product is None:
        return jsonify({"error": "Product not found"}), 404
    quantity = int(data.get("quantity", 1))
    price = int(data.get("price_cents", product["price_cents"]))
    key = cart_id()
    store.add_to_cart(key, product["id"], quantity, price)
    return cart_response(key)


@orders.route("/orders", methods=["POST"])
def create_order():
    data = request.get_json(silent=True) or {}
    key = cart_id()
    if "@" not in data.get("email", "") or not data.get("address"):
        return jsonify({"error": "E-mail and address are required"}), 400
    if not store.cart_items(key):
        return jsonify({"error": "The cart is empty"}), 400
    number = "C-" + secrets.token_hex(5).upper()
    return jsonify(store.create_order(number, key, data["email"], data["address"])), 201


@orders.route("/orders/<int:order_id>")
def show_order(order_id):
    order = store.order(order_id, cart_id())
    if order is None:
        return jsonify({"error": "Order not found"}), 404
    return jsonify(order)


@orders.route("/checkout/return")
def checkout_return():
    target = request.args.get("next", "/")
    return redirect(target if target in RETURN_PATHS else "/")
