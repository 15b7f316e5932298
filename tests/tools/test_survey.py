"""What each app has: lines, parts, files that do not parse, and apps that break the survey itself."""

import json
import os
import time

import pytest
from support import EXAMPLES, make_apps, write

from batchnb.records import UnparsedFile
from batchnb.records.errors import PortfolioError
from batchnb.tools import survey
from batchnb.tools.cancellation import CancelToken
from batchnb.tools.survey import discover
from batchnb.tools.survey_child import count_lines

CODE = "".join(f"x{n} = {n}\n" for n in range(12))


def one(base, files):
    """Survey an app `m/app1` of these files and return it."""
    for name, content in files.items():
        write(base / "m" / "app1" / name, content)
    (app,) = discover(base).apps
    return app


class TestParts:
    def test_the_parts_of_an_app(self, tmp_path):
        app = one(tmp_path, {"backend/app.py": CODE, "docker-compose.yml": "services: {}"})

        assert (app.backend, app.frontend, app.compose) == (True, False, True)
        assert (app.files, app.lines, app.placeholder, app.unparsed, app.skipped) == (1, 12, False, (), 0)
        assert app.path == tmp_path / "m" / "app1"

    @pytest.mark.parametrize("name", ["docker-compose.yaml", "compose.yml", "compose.yaml"])
    def test_a_compose_file_has_four_names(self, tmp_path, name):
        assert one(tmp_path, {name: "", "backend/app.py": CODE}).compose

    @pytest.mark.parametrize(("lines", "placeholder"), [(9, True), (10, False)])
    def test_fewer_than_ten_lines_of_code_make_a_placeholder(self, tmp_path, lines, placeholder):
        source = "# a comment\n\n" + "x = 1\n" * lines
        app = one(tmp_path, {"backend/app.py": source, "frontend/index.html": "<p>\n" * 50, "a.json": "{}"})

        assert app.placeholder is placeholder
        assert app.lines_by_language["Python"] == lines

    def test_languages_are_counted_apart(self, tmp_path):
        files = {
            "a.py": "x\n",
            "b.jsx": "y\n// z\n\nw\n",
            "c.tsx": "let v = 1\n",
            "d.css": "p {}\n",
            "e.md": "no\n",
        }

        assert one(tmp_path, files).lines_by_language == {
            "Python": 1,
            "JavaScript": 2,
            "TypeScript": 1,
            "CSS": 1,
        }

    def test_installed_packages_are_not_counted(self, tmp_path):
        files = {"backend/app.py": CODE, "frontend/node_modules/react/index.js": "x\n" * 500}

        assert (one(tmp_path, files).files, one(tmp_path, {}).lines) == (1, 12)

    def test_lines_are_neither_blank_nor_comments(self):
        assert count_lines(b"a\n\n  # b\n\t\nc # d\r\n# e", "Python") == 2
        assert count_lines(b"a\n// b\n/* c */\n", "JavaScript") == 2
        assert count_lines(b"", "Python") == 0

    def test_links_and_large_files_are_counted_as_skipped(self, tmp_path):
        write(tmp_path / "m" / "app1" / "backend" / "app.py", CODE)
        (tmp_path / "m" / "app1" / "backend" / "secret.py").symlink_to("/etc/passwd")
        os.mkfifo(tmp_path / "m" / "app1" / "backend" / "pipe.js")
        app = one(tmp_path, {"backend/large.py": "x = 1\n" * 200_000})

        assert (app.files, app.skipped) == (1, 3)


class TestParsing:
    @pytest.mark.parametrize(
        ("name", "content", "line", "reason"),
        [
            ("a.py", "x = 1\ndef f(:\n", 2, "invalid syntax"),
            ("a.py", "Sure! Here is the code:\n", 1, "invalid syntax"),
            ("a.py", "x = 1\nif x:\ny = 2\n", 3, "expected an indented block"),
            ("a.py", b"x = '\xff'\n", None, ""),
            ("a.py", "x = 1\0\n", None, "null bytes"),
            ("a.json", '{"a": 1,\n "b": }', 2, "Expecting value"),
            ("a.json", "", 1, "Expecting value"),
            ("a.js", "const a = 1;\nfunction ( {\n", 2, "syntax error"),
            ("a.jsx", "const A = () => (\n  <div>\n    <p>\n  </div>\n);\n", None, "syntax error"),
            ("a.mjs", "export default {\n", 1, "syntax error"),
            ("a.ts", "const a: number = ;\n", 1, "syntax error"),
            ("a.tsx", "const A = () => {\n  return <div>{x</div>;\n};\n", 2, "syntax error"),
        ],
    )
    def test_a_file_that_does_not_parse_is_named_with_its_line(self, tmp_path, name, content, line, reason):
        app = one(tmp_path, {f"backend/{name}": content, "backend/good.py": CODE})

        (fault,) = app.unparsed
        assert fault.path == f"backend/{name}"
        assert line is None or abs(fault.line - line) <= 1
        assert fault.line is None or 1 <= fault.line <= 6
        assert reason in fault.reason
        assert fault.reason

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.py", "match x:\n    case {'a': [1, *rest]} if rest: pass\n"),
            (
                "a.py",
                "type = 1\nasync def f():\n    async with a as b, c: await d\n    return f'{x!r:>{w}}'\n",
            ),
            ("a.py", "try: ...\nexcept* ValueError: ...\n"),
            ("a.py", 'x = "\\d"\n'),
            ("a.py", b"# -*- coding: latin-1 -*-\nx = '\xe9'\n"),
            ("a.py", "\ufeffx = 1\n"),
            ("a.py", ""),
            (
                "a.js",
                "#!/usr/bin/env node\n'use strict';\nconst a = b?.c ?? d; a ||= 1_000n; label: for (;;) {}\n",
            ),
            (
                "a.js",
                "class A { #p = 1; static { this.x = 2; } get #q() { return this.#p; } static *g() {} }\n",
            ),
            ("a.js", "const {a, ...rest} = await import('./b.js'); export * as ns from 'x';\n"),
            ("a.js", "const r = /[/]\\/(?<year>\\d{4})/giu; const t = `a${`b${c}`}`;\n"),
            ("a.cjs", "module.exports = async () => { for await (const x of y) yield_(x) }\n"),
            (
                "a.jsx",
                "export default () => <><A {...p} b={1} c='d' /> &amp; {/* no */} {x && <B.C>t</B.C>}</>;\n",
            ),
            ("a.tsx", "function f<T extends object,>(x: T): x is T { return <A<T> b={x as any} />; }\n"),
            ("a.tsx", "const A: React.FC<{n?: number}> = ({n = 1}) => <p>{n!}</p>; enum E { A = 'a' }\n"),
            ("a.ts", "type A<T> = T extends (infer U)[] ? `x${U & string}` : never; let x = <any>y;\n"),
            (
                "a.ts",
                "abstract class A { constructor(private readonly b: string, protected c?: number) {} }\n",
            ),
            (
                "a.ts",
                "const c = { a: 1 } satisfies Record<string, number>; declare module 'x' { export = y; }\n",
            ),
            ("a.json", ' {"a": [1, 2.5e3, null, "\\u00e9"]} '),
        ],
    )
    def test_valid_modern_source_is_not_flagged(self, tmp_path, name, content):
        app = one(tmp_path, {f"frontend/{name}": content})

        assert (app.files, app.unparsed) == (1, ())

    def test_many_broken_files_are_capped(self, tmp_path):
        app = one(tmp_path, {f"backend/{n}.py": "def f(:\n" for n in range(70)})

        assert (app.files, len(app.unparsed)) == (70, 50)

    def test_the_sample_portfolio_is_what_its_truth_file_says(self):
        truth = json.loads((EXAMPLES / "truth.json").read_text(encoding="utf-8"))
        apps = discover(EXAMPLES / "portfolio").apps

        assert [
            (app.model, app.app_num, app.backend, app.frontend, [file.path for file in app.unparsed])
            for app in apps
        ] == [(a["model"], a["app"], a["backend"], a["frontend"], a["unparsed"]) for a in truth["apps"]]
        assert [(app.model, app.app_num) for app in apps if app.placeholder] == [("comet-large", 2)]
        assert {app.requirements for app in apps} != {None}
        assert all(file.line for app in apps for file in app.unparsed)


class TestRequirements:
    GOOD = '{"1": {"title": "A", "requirements": ["one", "two"]}, "9": {"requirements": []}}'

    def test_their_number_is_that_of_the_list(self, tmp_path):
        make_apps(tmp_path, {"m": [1, 2], "n": [1]})
        write(tmp_path / "requirements.json", self.GOOD)

        found = discover(tmp_path)
        assert [(app.model, app.app_num, app.requirements) for app in found.apps] == [
            *(("m", 1, 2), ("m", 2, None), ("n", 1, 2)),
        ]
        assert found.problems == ()

    @pytest.mark.parametrize(
        "content",
        [
            *(
                "",
                "{",
                "[]",
                "3",
                "null",
                '"x"',
                '{"1": ["one"]}',
                '{"1": {}}',
                '{"one": {"requirements": []}}',
            ),
            *(
                '{"1": {"requirements": 3}}',
                '{"1": {"requirements": "log in"}}',
                '{"1": {"requirements": {"a": 1}}}',
            ),
            *(b"\xff", "[" * 100_000),
        ],
    )
    def test_a_list_of_another_form_is_named_and_stops_nothing(self, tmp_path, content):
        make_apps(tmp_path, {"m": [1]})
        write(tmp_path / "requirements.json", content)

        found = discover(tmp_path)
        (problem,) = found.problems
        assert problem.startswith('requirements.json is not of the form {"1": {"title":')
        assert [app.requirements for app in found.apps] == [None]

    def test_a_link_is_not_followed(self, tmp_path):
        make_apps(tmp_path / "base", {"m": [1]})
        write(tmp_path / "other.json", self.GOOD)
        (tmp_path / "base" / "requirements.json").symlink_to(tmp_path / "other.json")

        found = discover(tmp_path / "base")
        assert "requirements.json is a link" in found.problems
        assert [app.requirements for app in found.apps] == [None]

    def test_other_files_of_the_base_are_not_looked_at(self, tmp_path):
        make_apps(tmp_path, {"m": [1]})
        os.mkfifo(tmp_path / "a.json")
        write(tmp_path / "sub" / "requirements.json", self.GOOD)

        assert [app.requirements for app in discover(tmp_path).apps] == [None]


def unsurveyed(found):
    return [problem.split(" ", 1)[0] for problem in found.problems if "could not be surveyed" in problem]


class TestPoison:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.py", "(" * 900_000),
            ("a.py", "x = " + "-" * 900_000 + "1"),
            ("a.py", "x" + ".x" * 400_000),
            ("a.py", "[" * 450_000 + "]" * 450_000),
            ("a.json", "[" * 900_000),
            ("a.json", "1" * 900_000),
            ("a.js", "(" * 900_000),
            ("a.js", "a=>" * 300_000),
            ("a.tsx", "<a>" * 300_000),
            ("a.tsx", "a<" * 150_000),
            ("a.ts", "{[(" * 300_000),
            ("a.js", "`${" * 300_000),
            ("a.jsx", bytes(n * 7919 % 256 for n in range(300_000))),
        ],
        ids=lambda value: str(value)[:12] if isinstance(value, (str, bytes)) else None,
    )
    def test_a_file_that_breaks_parsers_costs_its_own_app_only(self, tmp_path, name, content):
        make_apps(tmp_path, {"m": [1, 2, 3]}, CODE)
        write(tmp_path / "m" / "app2" / "frontend" / name, content)

        found = discover(tmp_path)

        assert [(app.app_num, app.lines) for app in found.apps if app.app_num != 2] == [(1, 12), (3, 12)]
        assert set(unsurveyed(found)) <= {"m/app2"}
        assert found.apps[1].backend

    def apps_with_a_child_that(self, does, base, monkeypatch):
        """Replace what one app's survey does, in the child process itself."""
        make_apps(base, {"m": range(1, 7)}, CODE)
        bad = (
            "import os, threading; from batchnb.tools import survey_child as child; "
            "survey = child.survey_app; "
            f"child.survey_app = lambda key, path: ({does}) if path.name == 'app3' else survey(key, path); "
        )
        monkeypatch.setattr(survey, "_CHILD", survey._CHILD.replace("from batchnb", bad + "from batchnb"))

    @pytest.mark.parametrize(
        "does",
        ["os.abort()", "os._exit(0)", "1 / 0", "os.kill(os.getpid(), 9)", "print('rubbish', flush=True)"],
    )
    def test_a_survey_that_dies_costs_its_own_app_only_and_is_named(self, tmp_path, monkeypatch, does):
        self.apps_with_a_child_that(does, tmp_path, monkeypatch)

        found = discover(tmp_path)

        assert unsurveyed(found) == ["m/app3"]
        assert [(app.app_num, app.lines) for app in found.apps] == [
            (n, 0 if n == 3 else 12) for n in range(1, 7)
        ]

    def test_a_survey_that_hangs_costs_its_own_app_only_and_is_named(self, tmp_path, monkeypatch):
        self.apps_with_a_child_that("threading.Event().wait(100)", tmp_path, monkeypatch)
        for name in ("_SECONDS", "_APP_SECONDS"):
            monkeypatch.setattr(survey, name, 3.0, raising=False)

        found = discover(tmp_path)

        assert unsurveyed(found) == ["m/app3"]
        assert [(app.app_num, app.lines) for app in found.apps] == [
            (n, 0 if n == 3 else 12) for n in range(1, 7)
        ]

    def test_a_crashed_app_does_not_pass_for_one_that_was_counted(self, tmp_path, monkeypatch):
        self.apps_with_a_child_that("os.abort()", tmp_path, monkeypatch)

        app = discover(tmp_path).apps[2]
        assert (app.files, app.lines, app.placeholder, app.backend) == (0, 0, False, True)

    def test_modules_of_the_app_are_not_imported(self, tmp_path, monkeypatch):
        base = make_apps(tmp_path / "apps", {"m": [1]}, CODE)
        for name in ("json", "ast", "tree_sitter", "sitecustomize", "batchnb"):
            for folder in (base, base / "m" / "app1", base / "m" / "app1" / "backend"):
                write(folder / f"{name}.py", f"open({str(tmp_path / 'canary')!r}, 'w')\n")
        monkeypatch.chdir(base / "m" / "app1" / "backend")
        monkeypatch.setenv("PYTHONPATH", str(base))

        assert discover(base).apps[0].files == 11
        assert not (tmp_path / "canary").exists()


def test_300_apps_are_surveyed_in_a_moment(tmp_path):
    frontend = (
        "import React from 'react';\n" + "export const A = () => <div>{1}</div>;\n".replace("A", "B") * 30
    )
    for model in ("m", "n", "o"):
        make_apps(tmp_path, {model: range(1, 101)}, CODE * 8)
        for number in range(1, 101):
            write(tmp_path / model / f"app{number}" / "frontend" / "src" / "App.jsx", frontend)
            write(tmp_path / model / f"app{number}" / "frontend" / "package.json", '{"name": "a"}')
    started = time.perf_counter()

    found = discover(tmp_path)

    seconds = time.perf_counter() - started
    print(f"300 apps, 900 files: {seconds:.2f} s (wanted: below 2 s)")
    assert len(found.apps) == 300
    assert {app.files for app in found.apps} == {3}
    assert seconds < 6


def test_a_survey_can_be_cancelled(tmp_path):
    make_apps(tmp_path, {"m": range(1, 4)}, CODE)
    cancel = CancelToken()
    cancel.cancel()

    found = discover(tmp_path, cancel=cancel)

    assert unsurveyed(found) == ["m/app1", "m/app2", "m/app3"]
    assert "cancelled" in found.problems[0]


def test_a_base_without_apps_is_an_error(tmp_path):
    with pytest.raises(PortfolioError, match="no app under"):
        discover(tmp_path)


def test_problems_of_the_layout_are_passed_on(tmp_path):
    make_apps(tmp_path, {"m": [1]}, CODE)
    (tmp_path / "m" / "app01").mkdir()

    assert discover(tmp_path).problems == ("'m/app01' is not named app<N> with N from 1",)


def test_a_path_that_is_no_text_is_shown_as_an_escape(tmp_path):
    app = one(tmp_path, {f"backend/{os.fsdecode(bytes([255]))}\x1b.py": "def f(:\n"})

    assert app.unparsed == (UnparsedFile(path="backend/\\xff\x1b.py", line=1, reason=app.unparsed[0].reason),)
