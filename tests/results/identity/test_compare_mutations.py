"""Comparison on a mutation corpus: real apps, real tools, and a change whose outcome is known.

The independent oracle is the SARIF matcher of the npm package @microsoft/sarif-multitool.
"""

import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from support import EXAMPLES

import batchnb
from batchnb.results.dataset import Dataset
from batchnb.results.identity.compare import compare
from batchnb.results.identity.comparison import Change
from batchnb.tools.locate import find_program

pytestmark = [pytest.mark.tool, pytest.mark.slow, pytest.mark.timeout(600)]

EVAL = "eval(formula, {}, dict(counts))"
OTHER_NAMES = {
    "sql": "statement_text",
    "rows": "records",
    "result": "outcome",
    "path": "place",
    "query": "asked",
}


def python_files(base):
    return [path for path in sorted(base.glob("*/app*/backend/**/*.py")) if path.is_file()]


def rewrite(base, change):
    for path in python_files(base):
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def formatted(base, *options):
    command = [str(find_program("ruff")), "format", "--isolated", "--no-cache", *options]
    subprocess.run([*command, *map(str, python_files(base))], capture_output=True, check=False, timeout=60)


def shift(base):
    rewrite(base, lambda text: "# moved down\n" * 7 + text)


def shift_in_the_middle(base):
    rewrite(base, lambda text: re.sub(r"(?m)^(@app\.|def )", r"# more\n\n# and more\n\n\1", text))


def rename(base):
    for path in python_files(base):
        (path.parent / "server").mkdir(exist_ok=True)
        path.rename(path.parent / "server" / f"the_{path.name}")


def rename_and_shift(base):
    shift(base)
    rename(base)


def reformat(base):
    formatted(base)


def reformat_narrow(base):
    formatted(base, "--line-length", "60")


def reformat_single_quotes(base):
    formatted(base, "--config", "format.quote-style='single'")


def edit_names(base):
    pattern = re.compile(rf"(?<![\w.\"'/])(?:{'|'.join(OTHER_NAMES)})\b(?![\"'(])")
    rewrite(base, lambda text: pattern.sub(lambda match: OTHER_NAMES[match[0]], text))


def edit_nearby(base):
    rewrite(
        base, lambda text: re.sub(r"(?m)^( +)(\w+ = .*[^\\,(\[{])$", r"\1edited = 1\n\1\2  # edited", text)
    )


def edit_texts(base):
    """Change what stands in every text, also in the lines that are reported."""
    changes = {
        "SELECT ": "SELECT DISTINCT ",
        "wc": "wc -l",
        "uploads": "files",
        "<h2>": "<h1>",
    }
    pattern = re.compile("|".join(map(re.escape, changes)))
    rewrite(base, lambda text: pattern.sub(lambda match: changes[match[0]], text))


def delete_fault(base):
    rewrite(base, lambda text: text.replace(EVAL, "0"))


def add_equal_fault(base):
    def added(text):
        if EVAL not in text:
            return text
        head = text.index("\n@app.")
        more = f"def more(formula, counts):\n    result = {EVAL}\n    return result"
        return f"{text[:head]}\n{more}\n{text[head:]}"

    rewrite(base, added)


REFORMATS = (reformat, reformat_narrow, reformat_single_quotes)
EXACT = (shift, shift_in_the_middle, rename, rename_and_shift, *REFORMATS)
EDITS = (edit_names, edit_nearby, edit_texts)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function from a mutation (None: none) to the dataset of the run on the mutated portfolio."""

    @cache
    def run(mutate):
        base = tmp_path_factory.mktemp("mutated") / "apps"
        shutil.copytree(EXAMPLES / "portfolio", base)
        if mutate:
            mutate(base)
        with batchnb.open(base, store=":memory:") as workspace:
            job = workspace.run(analyses=["backend_security"])
            assert workspace.service.wait(job.id, 200)
            return replace(
                Dataset.from_records(), findings=job.findings, coverage=job.coverage, tasks=job.tasks
            )

    return run


def states(comparison, tools=("bandit", "ruff", "skylos")):
    """Return how many findings in Python files are in which state; those of files left alone do not count."""
    frame = comparison.frame
    paths = frame["path_before"].fillna(frame["path_after"])
    return Counter(frame.loc[paths.str.endswith(".py") & frame["tool"].isin(tools), "state"])


@pytest.mark.parametrize("mutate", EXACT, ids=lambda mutate: mutate.__name__)
def test_a_change_that_is_none_to_the_faults_is_told_exactly(run, mutate):
    comparison = compare(run(None), run(mutate))
    expected = Change.MOVED if mutate in {rename, rename_and_shift} else Change.UNCHANGED
    total = sum(states(compare(run(None), run(None))).values())
    assert total > 60
    assert states(comparison) == {expected: total}


@pytest.mark.parametrize("mutate", EDITS, ids=lambda mutate: mutate.__name__)
def test_edits_are_told_mostly(run, mutate, capsys):
    found = states(compare(run(None), run(mutate)))
    share = found[Change.UNCHANGED] / sum(found.values())
    with capsys.disabled():
        print(f"\n{mutate.__name__}: {share:.3f} unchanged, {dict(found)}")
    assert share >= 0.9


def test_a_deleted_fault_is_fixed_and_nothing_else(run):
    comparison = compare(run(None), run(delete_fault))
    gone = comparison.frame[comparison.frame["state"] != Change.UNCHANGED]
    assert set(gone["state"]) == {Change.FIXED}
    assert set(gone["rule"]) == {"B307", "S307", "SKY-D201"}


def test_an_equal_fault_is_new_and_the_old_one_is_not(run):
    comparison = compare(run(None), run(add_equal_fault))
    new = comparison.frame[comparison.frame["state"] != Change.UNCHANGED]
    assert set(new["state"]) == {Change.NEW}
    assert {"B307", "S307"} <= set(new["rule"]) <= {"B307", "S307", "SKY-D201"}
    kept = comparison.frame[
        (comparison.frame["rule"] == "B307") & (comparison.frame["state"] == Change.UNCHANGED)
    ]
    assert (kept["line_after"] > new.loc[new["rule"] == "B307", "line_after"].item()).all()


def test_what_was_deleted_and_is_back_is_reopened(run):
    comparison = compare(run(delete_fault), run(None), earlier=[run(None)])
    back = comparison.frame[comparison.frame["state"] != Change.UNCHANGED]
    assert set(back["state"]) == {Change.REOPENED}


# ------------------------------------------------------------------------------------------ the oracle


@pytest.fixture(scope="module")
def multitool(tmp_path_factory):
    folder = tmp_path_factory.mktemp("multitool")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    subprocess.run(
        [*install, "@microsoft/sarif-multitool@5.7.0"], check=True, capture_output=True, timeout=300
    )
    program = next(folder.glob("node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"))
    program.chmod(0o755)
    return program


def sarif(findings):
    runs = []
    for tool, rows in findings.groupby("tool", observed=True):
        results = [
            {
                "ruleId": row.rule,
                "message": {"text": row.message},
                "properties": {"row": number},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": row.path},
                            "region": {"startLine": int(row.line), "snippet": {"text": row.snippet}},
                        }
                    }
                ],
            }
            for number, row in zip(rows.index, rows.itertuples(), strict=True)
        ]
        runs.append({"tool": {"driver": {"name": tool}}, "results": results})
    return {"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": runs}


def oracle(multitool, folder, before, after):
    """Return the rows of `after` that the matcher calls new, and how many it calls absent."""
    paths = [folder / name for name in ("before.sarif", "after.sarif", "matched.sarif")]
    for path, findings in zip(paths, (before, after), strict=False):
        path.write_text(json.dumps(sarif(findings)), encoding="utf-8")
    command = [multitool, "match-results-forward", paths[1], "--previous", paths[0]]
    command += ["--output-file-path", paths[2], "--log", "ForceOverwrite"]
    subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=folder)
    results = [each for run in json.loads(paths[2].read_text("utf-8-sig"))["runs"] for each in run["results"]]
    new = {each["properties"]["row"] for each in results if each["baselineState"] == "new"}
    return new, sum(each["baselineState"] == "absent" for each in results)


@pytest.mark.online
def test_an_independent_matcher_agrees(run, multitool, tmp_path, capsys):
    lines = []
    agreed = total = 0
    for mutate in (*EXACT, *EDITS, delete_fault, add_equal_fault):
        comparison = compare(run(None), run(mutate))
        ours, theirs, gone, absent, count = set(), set(), 0, 0, 0
        for (model, app_num), _ in run(None).findings.groupby(["model", "app_num"], observed=True):
            sides = [
                side.findings[
                    (side.findings["model"] == model)
                    & (side.findings["app_num"] == app_num)
                    & side.findings["path"].str.endswith(".py")
                ]
                for side in (comparison.before, comparison.after)
            ]
            if not all(map(len, sides)):
                continue
            new, left = oracle(multitool, tmp_path, *sides)
            theirs |= new
            absent += left
            count += len(sides[1])
            frame = comparison.frame[comparison.frame["row_after"].isin(sides[1].index)]
            ours |= set(frame.loc[frame["state"].isin([Change.NEW, Change.REOPENED]), "row_after"])
            frame = comparison.frame[comparison.frame["row_before"].isin(sides[0].index)]
            gone += int((frame["state"] == Change.FIXED).sum())
        assert ours <= theirs, mutate.__name__  # what is new here is new there
        agreed += count - len(ours ^ theirs)
        total += count
        lines.append(
            f"{mutate.__name__}: {count - len(ours ^ theirs)} of {count} agree; new: {len(ours)} here,"
            f" {len(theirs)} there; gone: {gone} here, {absent} there"
        )
    with capsys.disabled():
        print("", *lines, f"all: {agreed / total:.4f}", sep="\n")
    assert agreed / total >= 0.8
