"""No secret in what is shown: findings and their messages, whichever tool made them."""

from dataclasses import fields

import pytest
from support import make_apps, write

from batchnb.analyzers.backend_security import BackendSecurityAnalyzer
from batchnb.analyzers.findings import FindingMaker
from batchnb.analyzers.frontend_security import FrontendSecurityAnalyzer
from batchnb.analyzers.hiding import HIDDEN, SecretLines, hide, raw_snippet
from batchnb.analyzers.raw import RawTarget
from batchnb.analyzers.scanners.bandit import Bandit
from batchnb.analyzers.scanners.base import Issue
from batchnb.records import Severity, utc_now
from batchnb.tools.process import Ending, RawOutput

STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"  # in two pieces: other scanners read this file too
AWS = "AKIA" + "QWERTYUIOPASD1GH"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f'pay("{STRIPE}")', f'pay("{HIDDEN}")'),
        (f"x = '{AWS}'", f"x = '{HIDDEN}'"),
        (f"k = '''{KEY}'''", f"k = '''{HIDDEN}'''"),
        (f"k = '''{KEY[:40]}", f"k = '''{HIDDEN}"),
        ("get('postgres://admin:pw-1@db/x')", f"get('postgres://admin:{HIDDEN}@db/x')"),
        ("pip -i https://tok-1@host/simple", f"pip -i https://{HIDDEN}@host/simple"),
        ('DB_PASSWORD = "hunter22"', f'DB_PASSWORD = "{HIDDEN}"'),
        ('cfg["SECRET_KEY"]: str = "hunter22"', f'cfg["SECRET_KEY"]: str = "{HIDDEN}"'),
        ("if password == 'hunter22':", f"if password == '{HIDDEN}':"),
        ('{"api_key": "hunter22"}', f'{{"api_key": "{HIDDEN}"}}'),
    ],
)
def test_what_has_the_form_of_a_secret_is_hidden(text, shown):
    assert hide(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        'cur.execute("SELECT * FROM u WHERE password=\'" + password + "\'")',
        "cur.execute(f\"SELECT * FROM u WHERE token='{token}'\")",
        "url = f'postgres://{user}:{password}@{host}/x'",
        "git+ssh://git@host/x.git",
        "User(password=hashed, token=request.args['token'])",
        "<div className='task-manager-component-wrapper'>",
        'tokenUrl = "/api/token"',
        "eval(request.args['x'])",
    ],
)
def test_code_stays_as_it_is(text):
    assert hide(text) == text


def test_a_long_text_is_looked_through_in_no_time():
    for piece in ("password", "a", "eyJ", "-----BEGIN PRIVATE KEY", "://a:", "'", 'k="', "sk-", "SG."):
        began = utc_now()
        hide(piece * (20_000 // len(piece)))
        assert (utc_now() - began).total_seconds() < 20, piece


TEXT = f'import os\nDB_PASSWORD = "hunter22"; os.system(cmd)\nopen("{AWS}", x)\n'


def issue(line, cwe, message="found", **more):
    values = {
        "rule": "R",
        "severity": Severity.LOW,
        "confidence": None,
        "end_line": line,
        "column": 1,
        **more,
    }
    return Issue(path="a.py", line=line, cwe=cwe, message=message, **values)


def shown(*issues, text=TEXT):
    lines = SecretLines({"a.py": text})
    maker = FindingMaker(analysis_type="t", tool="tool", target=RawTarget(model="m", app_num=1))
    made = []
    for each in issues:
        snippet = raw_snippet(lines.lines("a.py"), each)
        made.append((maker.make(each, snippet=snippet, identity=snippet), each))
        lines.note(each)
    return [lines.shown(*pair) for pair in made]


def test_a_line_with_a_secret_is_shown_by_no_tool_even_one_that_came_before():
    other, secret, fine = shown(issue(2, 78), issue(2, 798), issue(1, 78))

    assert "hunter22" not in other.snippet + secret.snippet
    assert fine.snippet == "import os"


def test_equal_lines_are_still_told_from_others():
    same, again, differs = (
        shown(issue(1, 798), text=f"{line}\n")[0].snippet for line in ("a='x1'", "  a='x1'", "a='x2'")
    )

    assert same == again != differs


def test_the_identity_does_not_change_by_what_is_shown():
    (hidden,), (plain,) = shown(issue(2, 798)), shown(issue(2, 78))

    assert hidden.fingerprint == plain.fingerprint
    assert hidden.clone_key == plain.clone_key
    assert hidden.snippet != plain.snippet


def test_only_the_line_with_the_secret_is_left_out():
    first, _ = shown(issue(1, 78, end_line=3), issue(2, 798))

    rows = first.snippet.split("\n")
    assert (rows[0], rows[2]) == ("import os", f'open("{HIDDEN}", x)')
    assert "hunter22" not in rows[1]


def test_a_message_does_not_quote_what_the_line_holds():
    (finding,) = shown(issue(2, 798, "the key hunter22 is assigned to DB_PASSWORD"))

    assert finding.message == f"the key {HIDDEN} is assigned to DB_PASSWORD"


def test_a_secret_that_the_cap_cuts_is_hidden_all_the_same():
    for length in range(370, 400):
        (finding,) = shown(issue(1, 78), text=f"{'x' * length}, '{STRIPE}'")

        assert STRIPE[:12] not in finding.snippet


def test_of_a_whole_function_only_the_line_with_the_secret_counts():
    text = "def connect(\n    password='hunter22',\n):\n    os.system(cmd)\n"
    _, other = shown(issue(1, 259, end_line=4, secret="hunter22"), issue(4, 78), text=text)

    assert other.snippet == "    os.system(cmd)"


def test_bandit_tells_the_password_apart_from_its_message():
    row = (
        '{"errors": [], "metrics": {"_totals": {}}, "results": [{"filename": "a.py", "test_id": "B105",'
        ' "issue_confidence": "LOW", "issue_severity": "LOW", "line_number": 2, "line_range": [2],'
        ' "col_offset": 0, "issue_text": "Possible hardcoded password: \'it\'s\\n22\'"}]}'
    )
    raw = RawOutput(argv=(), ending=Ending.EXITED, returncode=1, stdout=row.encode(), started_at=utc_now())

    (found,) = Bandit().parse(raw).issues
    assert (found.message, found.secret) == ("Possible hardcoded password", "it's\n22")


SECRETS = {
    "backend/app.py": (
        'app.secret_key = "kq9X-live-one"\nDB_PASSWORD = "correcthorse91"\n'
        f'AWS_KEY = "{AWS}"\nSTRIPE = "{STRIPE}"\n'
        'def connect(host, password="dflt-pw-8812"):\n    return host\n'
        'connect("h", password="call-pw-9931")\nif password == "cmp-pw-5512":\n    eval(input())\n'
        'eval(input(), "5b0c9f1e7d2a48361fe0a95c")\n'
        'eval(open("x"), "postgres://admin:s3cr3tpw@db.example.org/x")\n'
    ),
    "backend/Dockerfile": "FROM python:latest\nENV DB_PASSWORD=dockerpw-1234\n",
    "backend/requirements.txt": "--extra-index-url http://tok-secret-77@pypi.example.org/simple\n",
    "docker-compose.yml": "services:\n  a:\n    image: a\n    environment:\n      DB_PASSWORD: composepw1\n",
    "frontend/src/a.jsx": (
        f'const API_KEY = "8c1f0e5d7b2a4936a1f7"; eval(API_KEY);\nconst STRIPE = "{STRIPE}";\n'
        'fetch("http://u:frontpw-1@a.example.org/x");\ndocument.cookie = x; let token = "lspw-123456";\n'
    ),
}
VALUES = (
    *("kq9X-live-one", "correcthorse91", AWS, STRIPE, "dflt-pw-8812", "call-pw-9931", "cmp-pw-5512"),
    *("s3cr3tpw", "dockerpw-1234", "tok-secret-77", "composepw1", "8c1f0e5d7b2a4936a1f7", "frontpw-1"),
    *("lspw-123456", "5b0c9f1e7d2a48361fe0a95c"),
)


@pytest.mark.tool
@pytest.mark.parametrize("analyzer", [BackendSecurityAnalyzer, FrontendSecurityAnalyzer])
def test_no_real_tool_gives_a_live_key_away(tmp_path, analyzer):
    base = make_apps(tmp_path / "apps", {"m": [1]})
    for path, text in SECRETS.items():
        write(base / "m" / "app1" / path, text)

    report = analyzer(base).run_security_analysis("m", 1)

    about = {finding.tool for finding in report.issues if finding.cwe in {259, 798}}
    assert about >= ({"bandit", "ruff"} if analyzer is BackendSecurityAnalyzer else {"ast-grep-secrets"})
    for record in (*report.issues, *report.coverage):
        text = "\n".join(str(getattr(record, each.name)) for each in fields(record))
        assert [value for value in VALUES if value in text] == [], record
