"""Hostile apps whose files configure tools: some execute code, some hide what is there."""

from __future__ import annotations

import json

from hostile_ground import Case, Ground

SHADOWED = (
    *("bandit", "ruff", "skylos", "detect_secrets", "yaml", "random", "ast", "json", "stevedore", "rich"),
    *(
        "tree_sitter",
        "libcst",
        "tomllib",
        "typing_extensions",
        "packaging",
        "requests",
        "batchnb",
        "encodings",
    ),
)
"""Modules that tools import; an app has some of the same name."""


def _executing() -> dict[str, str]:
    """Return {file name: template of its text} of configuration that some tool runs."""
    return {
        "eslint.config.js": "{js}module.exports = [];\n",
        "eslint.config.mjs": "{js}export default [];\n",
        "eslint.config.cjs": "{js}module.exports = [{{ ignores: ['**/*'] }}];\n",
        "eslint.config.ts": "{js}export default [];\n",
        ".eslintrc.js": "{js}module.exports = {{ root: true }};\n",
        ".eslintrc.cjs": "{js}module.exports = {{ root: true, ignorePatterns: ['**'] }};\n",
        ".oxlintrc.json": '{{"jsPlugins": ["./evil.js"], "ignorePatterns": ["**"]}}',
        "oxlint.config.ts": "{js}export default {{ ignorePatterns: ['**'] }};\n",
        "vite.config.js": "{js}export default {{}};\n",
        "vitest.config.ts": "{js}export default {{}};\n",
        "webpack.config.js": "{js}module.exports = {{}};\n",
        "babel.config.js": "{js}module.exports = {{}};\n",
        ".prettierrc.js": "{js}module.exports = {{}};\n",
        "postcss.config.cjs": "{js}module.exports = {{}};\n",
        "tailwind.config.ts": "{js}export default {{}};\n",
        "jest.config.js": "{js}module.exports = {{}};\n",
        "svelte.config.js": "{js}export default {{}};\n",
        ".htmlvalidate.cjs": "{js}module.exports = {{ root: true }};\n",
        ".stylelintrc.cjs": "{js}module.exports = {{}};\n",
        ".pnpmfile.cjs": "{js}module.exports = {{}};\n",
        ".yarnrc.yml": "yarnPath: ./evil.js\n",
        "bunfig.toml": 'preload = ["./evil.js"]\n',
        ".npmrc": "node-options=--require ./evil.js\nscript-shell=./evil.sh\nignore-scripts=false\n",
        ".pylintrc": "[MAIN]\ninit-hook={py}\n",
        ".flake8": "[flake8:local-plugins]\nextension =\n  EVL = evil:Evil\npaths = .\n",
        "mypy.ini": "[mypy]\nplugins = ./evil.py\n",
        ".checkov.yaml": "external-checks-dir: ['.']\n",
        "sgconfig.yml": "ruleDirs: [.]\ncustomLanguages:\n"
        "  x: {{libraryPath: ./evil.so, extensions: [py, jsx]}}\n",
        ".secrets.baseline": '{{"plugins_used": [{{"name": "E", "path": "file://./evil.py"}}],'
        '"results": {{}}}}',
        "setup.py": "{py}from setuptools import setup\nsetup()\n",
        "conftest.py": "{py}",
        "sitecustomize.py": "{py}",
        "usercustomize.py": "{py}",
        "noxfile.py": "{py}",
        "evil.pth": "import os; {py}",
        ".git/config": '[core]\n\tfsmonitor = "{sh}"\n\tpager = "{sh}"\n\thooksPath = .\n',
        ".gitattributes": "* filter=evil linguist-generated linguist-vendored\n",
        ".pre-commit-config.yaml": "repos: [{{repo: local, hooks: [{{id: x, "
        "entry: '{sh}', language: system}}]}}]\n",
        "Makefile": "all:\n\t{sh}\n.DEFAULT:\n\t{sh}\n",
        ".envrc": "{sh}\n",
        "Pipfile": '[packages]\nevil = {{path = ".", editable = true}}\n',
    }


HIDING = {
    ".bandit": "[bandit]\nskips = B602\nexclude = /\ntargets = /nowhere\n",
    "bandit.yaml": "skips: ['B602']\nexclude_dirs: ['/']\n",
    "ruff.toml": "exclude = ['*']\n[lint]\nignore = ['S602']\n",
    ".ruff.toml": "exclude = ['*']\n[lint]\nselect = []\n",
    "pyproject.toml": "[tool.bandit]\nskips = ['B602']\n[tool.ruff]\nexclude = ['*']\nlint.ignore = ['S']\n"
    "[tool.skylos]\nignore = ['SKY-D201', 'SKY-D226']\nexclude = ['**']\n",
    ".skylos.toml": "[tool.skylos]\nexclude = ['**']\nignore = ['SKY-D201', 'SKY-D226']\n",
    "skylos.toml": "exclude = ['**']\n",
    ".skylosignore": "**\n",
    "setup.cfg": "[bandit]\nskips = B602\n[flake8]\nexclude = *\n",
    "tox.ini": "[bandit]\nskips = B602\n",
    ".gitignore": "*\n**/*\n",
    ".ignore": "*\n",
    ".rgignore": "*\n",
    ".eslintignore": "**\n",
    ".oxlintignore": "**\n",
    ".oxlintrc.json": '{"ignorePatterns": ["**"], "rules": {"no-eval": "off"}, "categories": {}}',
    ".eslintrc.json": '{"root": true, "ignorePatterns": ["**"], "rules": {"no-eval": "off"}}',
    "biome.json": '{"files": {"ignore": ["**"]}, "linter": {"enabled": false}}',
    "tsconfig.json": '{"extends": "../../../../outside/secret.json", "exclude": ["**"], "files": []}',
    ".semgrepignore": "*\n",
    ".dockerignore": "*\n",
    ".npmignore": "*\n",
    ".prettierignore": "**\n",
    ".hgignore": "syntax: glob\n*\n",
    ".trivyignore": "DS002\n*\n",
    ".hadolint.yaml": "ignored: [DL3002, DL3006, DL3007]\n",
    ".retireignore.json": '[{"component": "axios", "justification": "no"}]',
    ".nsprc": '{"exceptions": ["*"]}',
    "osv-scanner.toml": '[[PackageOverrides]]\nname = "flask"\nignore = true\n',
    ".git/info/exclude": "*\n",
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n",
    "pyvenv.cfg": "home = /usr/bin\n",
    ".nomedia": "",
    "sonar-project.properties": "sonar.exclusions=**/*\n",
}


def _write_executing(ground: Ground, name: str, template: str) -> None:
    text = template.format(js=ground.node_trap(), py=ground.python_trap(), sh=ground.shell_trap())
    ground.everywhere(name, text)
    ground.everywhere("evil.js", ground.node_trap())
    ground.everywhere("evil.py", ground.python_trap())
    for folder in ("", "backend/", "frontend/"):
        ground.script_file(f"{folder}evil.sh", f"#!/bin/sh\n{ground.shell_trap()}\n")


def _shadowing(ground: Ground) -> None:
    for name in SHADOWED:
        ground.everywhere(f"{name}.py", ground.python_trap())
    ground.everywhere("evil.pth", f"import os; {ground.python_trap()}")


def _packages(ground: Ground) -> None:
    for name in ("bandit", "skylos", "detect_secrets", "yaml"):
        for inner in ("__init__.py", "__main__.py"):
            ground.everywhere(f"{name}/{inner}", ground.python_trap())


def _node_modules(ground: Ground) -> None:
    for name in ("eslint", "typescript", "@typescript-eslint/parser", "eslint-plugin-react", "react"):
        for folder in ("", "backend/", "frontend/"):
            ground.put(f"{folder}node_modules/{name}/index.js", ground.node_trap())
            ground.put(f"{folder}node_modules/{name}/package.json", json.dumps({"main": "index.js"}))


def _programs(ground: Ground) -> None:
    for name in ("eslint", "oxlint", "node", "ruff", "bandit", "skylos", "git", "npm", "python"):
        for folder in ("node_modules/.bin", ".venv/bin", "bin", "."):
            for part in ("", "backend/", "frontend/"):
                ground.script_file(f"{part}{folder}/{name}", f"#!/bin/sh\n{ground.shell_trap()}\necho '[]'\n")


def _npm_scripts(ground: Ground) -> None:
    names = ("preinstall", "install", "postinstall", "prepare", "prepublish", "prelint", "lint", "pretest")
    document = {
        "name": "app",
        "scripts": dict.fromkeys(names, ground.shell_trap()),
        "eslintConfig": {"root": True, "ignorePatterns": ["**"], "plugins": ["./evil.js"]},
        "eslintIgnore": ["**"],
        "oxlint": {"ignorePatterns": ["**"]},
        "bin": {"eslint": "./evil.js"},
        "dependencies": {"axios": "0.21.0", "evil": "file:./evil"},
    }
    ground.spoil(lambda _: json.dumps(document, indent=1), "manifest")
    ground.everywhere("evil.js", ground.node_trap())


def _build_backend(ground: Ground) -> None:
    text = '[build-system]\nrequires = []\nbuild-backend = "evil"\nbackend-path = ["."]\n'
    ground.everywhere("pyproject.toml", text)
    ground.everywhere("evil.py", ground.python_trap())
    ground.spoil(lambda text: f"{text}./\n-e .\n", "requirements")


def _hooks(ground: Ground) -> None:
    names = ("post-checkout", "pre-commit", "fsmonitor-watchman", "post-index-change")
    for part in ("", "backend/", "frontend/"):
        ground.put(f"{part}.git/HEAD", "ref: refs/heads/main\n")
        ground.put(f"{part}.git/config", f"[core]\n\tfsmonitor = {ground.shell_trap()}\n")
        for name in names:
            ground.script_file(f"{part}.git/hooks/{name}", f"#!/bin/sh\n{ground.shell_trap()}\n")


def _all_hiding(ground: Ground) -> None:
    for name, text in HIDING.items():
        ground.everywhere(name, text)


def _all_executing(ground: Ground) -> None:
    for name, template in _executing().items():
        _write_executing(ground, name, template)


def cases() -> list[Case]:
    """Return the apps of this kind."""
    executing = [
        Case(
            f"runs {name}",
            lambda ground, n=name, t=text: _write_executing(ground, n, t),
            harmless=_clean(name),
        )
        for name, text in _executing().items()
    ]
    hiding = [
        Case(f"hides by {name}", lambda ground, n=name, t=text: ground.everywhere(n, t), harmless=True)
        for name, text in HIDING.items()
        if not name.startswith(".git/")
    ]
    return [
        *executing,
        *hiding,
        Case("modules with the names of a tool's", _shadowing, harmless=True),
        Case("packages with the names of a tool's", _packages, harmless=True),
        Case("node_modules with a linter of its own", _node_modules),
        Case("programs with a tool's name", _programs),
        Case("npm scripts and settings in package.json", _npm_scripts, harmless=True),
        Case("a build backend of its own", _build_backend, harmless=True),
        Case("git hooks", _hooks),
        Case("hides by everything", _all_hiding),
        Case("runs everything", _all_executing),
    ]


def _clean(name: str) -> bool:
    """Whether the file adds nothing that a tool could stumble over."""
    return name.endswith((".js", ".cjs", ".mjs", ".ini", ".toml", ".pth")) or name in {"Makefile", ".envrc"}
