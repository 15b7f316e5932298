"""A fake server and an app with requirements for each test that asks a model."""

import json
import sys
from pathlib import Path

import pytest
from support import write

sys.path.insert(0, str(Path(__file__).parent))

from protocol_fake import running

from batchnb.analyzers.gpt4all import GPT4AllAnalyzer
from batchnb.analyzers.llm import connection, model

SOURCE = '''"""A shop."""
from flask import Flask, jsonify

app = Flask(__name__)


# requirement 3 is met: refunds are paid
@app.get("/api/products")
def products():
    return jsonify(load_products())


@app.post("/api/cart")
def add_to_cart():
    return jsonify(ok=True), 201
'''
REQUIREMENTS = ("GET /api/products lists the products", "POST /api/cart fills the cart", "There are refunds")


@pytest.fixture(autouse=True)
def _own_places(monkeypatch, tmp_path):
    monkeypatch.setenv("BATCHNB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("BATCHNB_LLM_API_KEY", raising=False)
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(model, "_known", {})


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture
def base(tmp_path):
    base = tmp_path / "apps"
    write(base / "atlas" / "app1" / "backend" / "app.py", SOURCE)
    listed = {"1": {"title": "Shop", "requirements": list(REQUIREMENTS)}}
    write(base / "requirements.json", json.dumps(listed))
    return base


@pytest.fixture
def check(base, server):
    """Return a function that checks the app against the fake server."""

    def run(app_num=1, **options):
        given = {"address": server.address, **options}
        return GPT4AllAnalyzer(base).check_requirements("atlas", app_num, **given)

    return run
