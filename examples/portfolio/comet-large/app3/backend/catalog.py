"""Blueprint: products, search, reviews and the catalog import."""

from flask import Blueprint, jsonify, render_template_string, request
from markupsafe import Markup

import store

catalog = Blueprint("catalog", __name__, url_prefix="/api")

REVIEW_PAGE = """<!doctype html>
<title>Reviews</title>
<h1>{{ product.name }}</h1>
{% for review in reviews %}<article><b>{{ review.author }}</b><p>{{ review.body }}</p></article>{% endfor %}
"""


@catalog.route("/products")
def list_products():
    return jsonify(store.all_products())


@catalog.route("/products/<int:product_id>")
def show_product(product_id):
    product = store.product(product_id)
    if product is None:
        return jsonify({"error": "Product not found"}), 404
    return jsonify(product)


@catalog.route("/search")
def search():
    return jsonify(store.search(request.args.get("q", "")))


@catalog.route("/products/import", methods=["POST"])
def import_products():
    """Accept a YAML list of products, as exported by the warehouse."""
    count = store.add_products(request.get_data(as_text=True))
    return jsonify({"imported": count}), 201


@catalog.route("/products/<int:product_id>/reviews", methods=["POST"])
def add_review(product_id):
    data = request.get_json(silent=True) or {}
    if store.product(product_id) is None:
        return jsonify({"error": "Product not found"}), 404
    if not data.get("text"):
        return jsonify({"error": "The review is empty"}), 400
    store.add_review(product_id, data.get("author", "anonymous"), data["text"])
    return jsonify({"message": "Thank you!"}), 201


@catalog.route("/products/<int:product_id>/reviews", methods=["GET"])
def show_reviews(product_id):
    """Render the reviews as a page; customers may use bold and italics."""
    product = store.product(product_id)
    if product is None:
        return jsonify({"error": "Product not found"}), 404
    reviews = [
        {"author": review["author"], "body": Markup(review["text"])}
        for review in store.reviews(product_id)
    ]
    return render_template_string(REVIEW_PAGE, product=product, reviews=reviews)
