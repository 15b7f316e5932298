"""Routes of Express backends, in JavaScript and TypeScript."""

from __future__ import annotations

import pytest

from batchnb.tools.routes import find_routes

SERVER = """
const express = require('express');
const multer = require('multer');
const upload = multer({ dest: '/tmp' });
const users = require('./routes/users');
const app = express();
app.use(express.json());
app.use('/api/users', authenticate, users);
app.use('/api/notes', require('./routes/notes.js'));

function authenticate(req, res, next) { req.get('X-Token'); next(); }
const search = (req, res) => { res.json(req.query.q) };

app.get('/', (req, res) => res.send('hi'));
app.get("/api/search", authenticate, search);
app.post('/api/login', async (req, res) => {
  const { username, password: secret, remember = false } = req.body;
  const again = Number(req.query.times);
  res.cookie('a', req.cookies.session);
});
app.put('/api/items/:id/:part?', (req, res) => {
  const data = req.body || {};
  save(data.title, data['note'], parseInt(req.params.id), req.headers['x-own']);
});
app.post('/api/photos', upload.single('photo'), function (request, response) { request.body.caption; });
app.route('/api/tags').get((req, res) => {}).delete((req, res) => { req.query.name });
app.get('port');
other.get('/not/a/route', () => {});
app.listen(process.env.PORT);
"""
USERS = """
import { Router } from 'express';
const router = Router();
const PATH = '/:userId(\\\\d+)';
router.get(PATH, handler(async (req, res) => { helper(req); }));
function helper(r) { return r.query.helped; }
export default router;
"""
NOTES = """
const router = require('express').Router();
router.delete('/', (req, res) => res.sendStatus(204));
module.exports = router;
"""


def test_applications_routers_and_fields(tmp_path):
    (tmp_path / "routes").mkdir()
    (tmp_path / "server.js").write_text(SERVER, encoding="utf-8")
    (tmp_path / "routes/users.js").write_text(USERS, encoding="utf-8")
    (tmp_path / "routes/notes.js").write_text(NOTES, encoding="utf-8")
    found = find_routes(tmp_path)
    assert found.unread == ()
    routes = {f"{route.method} {route.path}": route for route in found.routes}
    assert sorted(routes) == [
        "DELETE /api/notes",
        "DELETE /api/tags",
        "GET /",
        "GET /api/search",
        "GET /api/tags",
        "GET /api/users/{userId}",
        "POST /api/login",
        "POST /api/photos",
        "PUT /api/items/{id}/{part}",
    ]
    login = routes["POST /api/login"]
    assert login.body_fields == ("username", "password", "remember")
    assert (login.query_params, login.cookies, login.integers) == (("times",), ("session",), ("times",))
    put = routes["PUT /api/items/{id}/{part}"]
    assert (put.body_fields, put.headers, put.integers) == (("title", "note"), ("x-own",), ("id",))
    assert (routes["GET /api/search"].query_params, routes["GET /api/search"].headers) == (
        ("q",),
        ("X-Token",),
    )
    photos = routes["POST /api/photos"]
    assert (photos.file_fields, photos.body_fields) == (("photo",), ("caption",))
    assert routes["GET /api/users/{userId}"].query_params == ("helped",)
    assert (put.source, put.line, put.framework) == ("backend/server.js", 21, "express")


def test_typescript(tmp_path):
    (tmp_path / "index.ts").write_text(
        "import express, { Request, Response } from 'express';\n"
        "const app: express.Application = express();\n"
        "interface Body { name: string }\n"
        "app.post('/api/x/:id', (req: Request, res: Response) => {\n"
        "  const { name } = req.body as Body;\n  res.json({ id: req.params.id });\n});\n",
        encoding="utf-8",
    )
    (route,) = find_routes(tmp_path).routes
    assert (route.method, route.path, route.body_fields) == ("POST", "/api/x/{id}", ("name",))


@pytest.mark.parametrize("text", ["const = ;", "(" * 20_000, "app.get('/x', " + "[" * 3_000])
def test_a_file_that_does_not_parse_is_told(tmp_path, text):
    (tmp_path / "server.js").write_text(text, encoding="utf-8")
    (name, reason) = find_routes(tmp_path).unread[0]
    assert name == "backend/server.js"
    assert "syntax error" in reason


def test_routers_in_a_circle_end(tmp_path):
    (tmp_path / "server.js").write_text(
        "const express = require('express');\nconst a = express.Router();\nconst b = express.Router();\n"
        "a.use('/b', b);\nb.use('/a', a);\na.get('/x', (req, res) => {});\n",
        encoding="utf-8",
    )
    assert all(route.path.endswith("/x") for route in find_routes(tmp_path).routes)
