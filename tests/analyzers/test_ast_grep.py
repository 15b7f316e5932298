"""Our own rules for scripts: what each objects to, what it lets pass, and what hostile files do to it."""

import time

import pytest

pytest.importorskip("ast_grep_py", reason="needs the extra 'tools'")

from batchnb.analyzers.scanners.ast_grep import AstGrep, AstGrepSecrets
from batchnb.analyzers.scanners.ast_grep_rules import RULES, SECRET_RULES
from batchnb.records import Severity

KEY = "8c1f0e5d7b2a4936a1f7"
FAULTY = {
    "secret-in-web-storage": [
        "localStorage.setItem('token', data.value)",
        "window.sessionStorage.setItem(KEY, user.password)",
        "const KEY = 'auth_token'; localStorage.setItem(KEY, x)",
        "localStorage.jwt = answer.value",
        "localStorage['access_token'] = t",
    ],
    "role-from-web-storage": [
        "const role = localStorage.getItem('role') || 'user'",
        "if (sessionStorage.getItem('isAdmin')) show()",
        "const K = 'user_role'; f(localStorage.getItem(K))",
    ],
    "cookie-from-script": ["document.cookie = `theme=${t}`", "window.document.cookie = value"],
    "redirect-from-input": [
        "const next = new URLSearchParams(window.location.search).get('next'); location.href = next",
        "addEventListener('message', (e) => { window.location.assign(e.data.url); })",
        "const [searchParams] = useSearchParams(); window.location.replace(searchParams.get('to'))",
        "window.location = document.referrer",
        "function f() { const n = searchParams.get('n'); dispatch(done()); location.href = n; }",
        "window.open(location.hash.slice(1))",
        "const { host } = useParams(); location.href = `https://${host}/`",
        "const q = new URLSearchParams(location.search); const to = `${q.get('to')}?x=1`; location.href = to",
        "app.get('/go', (req, res) => { res.redirect(req.query.to); })",
    ],
    "unchecked-link": [
        "const A = ({ user }) => <a href={user.website}>site</a>",
        "function B() { const q = new URLSearchParams(location.search); return <a href={q.get('p')} />; }",
    ],
    "window-with-opener": ["window.open(user.site, '_blank')", "window.open(site, '_blank', 'width=300')"],
    "link-with-opener": [
        "const A = ({ to }) => <a href={to} target='_blank'>x</a>",
        "const A = ({ f }) => <a href={`/view/${f}`} target={'_blank'} rel='tag'>x</a>",
        "const A = () => <a href='https://docs.example' target='_blank'>docs</a>",
    ],
    "message-to-any-origin": [
        "window.opener.postMessage({ user }, '*')",
        "parent.postMessage(data, { targetOrigin: '*' })",
        "const ALL = '*'; frame.contentWindow.postMessage(data, ALL)",
    ],
    "message-from-any-origin": [
        "window.addEventListener('message', (event) => setUser(event.data))",
        "const hear = (event) => { run(event.data); }; window.addEventListener('message', hear)",
        "function hear(event) { run(event.data); } addEventListener('message', hear, false)",
        "window.onmessage = function (event) { run(event.data); }",
    ],
    "unclean-html": [
        "box.innerHTML = '<b>' + name + '</b>'",
        "box.insertAdjacentHTML('beforeend', `<li>${item}</li>`)",
        "document.write(text)",
        "ref.current.outerHTML = html",
    ],
    "unclean-react-html": [
        "const A = ({ text }) => <p dangerouslySetInnerHTML={{ __html: text }} />",
        "const A = ({ html }) => <p dangerouslySetInnerHTML={html} />",
        "function A(p) { const made = { __html: p.text }; return <p dangerouslySetInnerHTML={made} />; }",
    ],
    "unclean-frame": ["const A = ({ page }) => <iframe srcDoc={page} />"],
    "unprotected-address": [
        "fetch('http://shop.example/pay', { method: 'POST', body })",
        "const PAY = 'http://shop.example/pay'; axios.post(PAY, body)",
        "const API = 'http://shop.example/api'",
        "const client = axios.create({ baseURL: 'http://shop.example' })",
        "const s = new WebSocket(`ws://chat.example/${room}`)",
        "const A = 'http://a.example'; fetch(A + '/x' + '?y')",
        "const A = 'http://a.example'; fetch(`${A}/x`)",
    ],
    "cookies-to-foreign-host": ["fetch('https://stats.example/hit', { credentials: 'include' })"],
    "secret-in-query": ["fetch(`/api/me?token=${token}`)", "go(`/reset?mail=${m}&password=${p}`)"],
    "evaluated-text": [
        "eval(formula)",
        "window.eval('x = ' + y)",
        "const f = new Function('a', body)",
        "new Function(body)()",
    ],
    "delayed-text": ["setTimeout(`show(${name})`, 10)", "window.setInterval('tick(' + n + ')', 10)"],
    "guessable-secret": [
        "const token = Math.random().toString(36)",
        "function newSessionId() { return Math.random(); }",
        "const order = { csrf: 'x' + Math.random() }",
        "user.resetToken = Math.random()",
        "function newToken() { return Array.from({ length: 8 }, () => pick(Math.random())).join(''); }",
        "const makePassword = () => letters[Math.floor(Math.random() * 26)]",
    ],
    "logged-secret": ["console.log('user', user.password)", "console.debug(authToken)"],
    "unchecked-certificate": [
        "new https.Agent({ rejectUnauthorized: false })",
        "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'",
    ],
    "key-in-script": [
        f"const API_KEY = '{KEY}'",
        f"const headers = {{ Authorization: 'Bearer {KEY}' }}",
        f"config.clientSecret = '{KEY}'",
    ],
    "well-known-key-in-script": [
        f"const stripe = Stripe('sk_live_{KEY}')",
        "const k = 'AKIAQ3EGRX7YKLMN2PVD'",
    ],
}
FINE = {
    "secret-in-web-storage": [
        "localStorage.setItem('theme', theme)",
        "localStorage.setItem('cart', JSON.stringify(items))",
        "localStorage.setItem('tokens', 'off')",
        "localStorage.setItem('csrfToken', x)",
        "localStorage.removeItem('token')",
        "other.setItem('token', t)",
    ],
    "role-from-web-storage": ["localStorage.getItem('theme')", "localStorage.getItem('roleplay')"],
    "cookie-from-script": ["const all = document.cookie"],
    "redirect-from-input": [
        "window.location.href = '/login'",
        "const id = new URLSearchParams(location.search).get('id'); location.href = '/todos/' + id",
        "const id = new URLSearchParams(location.search).get('id'); location.href = `/todos/${id}`",
        "function f() { const n = searchParams.get('n'); if (n.startsWith('/a')) location.href = n; }",
        "function f() { const n = searchParams.get('n'); if (isSafe(n)) location.href = n; }",
        "location.href = data.pay_url",
        "location.href = `${API}/login?next=${location.search}`",
        "const { id } = useParams(); location.href = API + '/todos/' + id",
        "const q = new URLSearchParams(location.search); location.href = `mailto:${q.get('to')}`",
    ],
    "unchecked-link": [
        "const A = ({ id }) => <a href={`/users/${id}`}>user</a>",
        "const A = () => <a href='https://docs.example'>docs</a>",
        "const A = ({ product }) => <img src={product.image} />",
        "function A() { const { id } = useParams(); return <img src={`${API}/images/${id}`} />; }",
    ],
    "window-with-opener": [
        "window.open(site, '_blank', 'noopener')",
        "window.open('/print', '_blank')",
        "window.open(site, '_self')",
    ],
    "link-with-opener": [
        "const A = ({ to }) => <a href={to} target='_blank' rel='noopener noreferrer'>x</a>",
        "const A = ({ to, rel }) => <a href={to} target='_blank' rel={rel}>x</a>",
        "const A = () => <a href='/help' target='_blank'>help</a>",
        "const A = ({ to }) => <a href={to}>x</a>",
        "const A = ({ to }) => <Frame href={to} target='_blank' />",
    ],
    "message-to-any-origin": ["opener.postMessage(data, location.origin)", "worker.postMessage(data)"],
    "message-from-any-origin": [
        "window.addEventListener('message', (e) => { if (e.origin !== HOME) return; run(e.data); })",
        "window.addEventListener('message', ({ origin, data }) => origin === HOME && run(data))",
        "window.addEventListener('resize', (event) => run(event))",
        "worker.addEventListener('message', (event) => run(event.data))",
        "socket.onmessage = (event) => run(event.data)",
    ],
    "unclean-html": [
        "box.innerHTML = ''",
        "box.innerHTML = '<b>' + 'x' + '</b>'",
        "box.innerHTML = DOMPurify.sanitize(text)",
        "const clean = sanitizeHtml(text); box.innerHTML = clean",
        "box.textContent = text",
        "const was = box.innerHTML",
    ],
    "unclean-react-html": [
        "const A = () => <p dangerouslySetInnerHTML={{ __html: '<b>x</b>' }} />",
        "const A = ({ t }) => <p dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(t) }} />",
        "const A = ({ text }) => <p>{text}</p>",
    ],
    "unclean-frame": ["const A = () => <iframe srcDoc='<b>x</b>' />"],
    "unprotected-address": [
        "fetch('https://shop.example/pay')",
        "fetch('http://localhost:5101/api')",
        "const API = 'http://127.0.0.1:5000'",
        "const API_URL = import.meta.env.VITE_API || 'http://localhost:5000'",
        "const API = 'http://backend:5000'",
        "const SVG_URL = 'http://www.w3.org/2000/svg'",
        "const A = () => <svg xmlns='http://www.w3.org/2000/svg' />",
    ],
    "cookies-to-foreign-host": [
        "fetch('/api', { credentials: 'include' })",
        "fetch('http://localhost:5000/api', { credentials: 'include' })",
        "fetch('https://stats.example/hit')",
    ],
    "secret-in-query": ["fetch(`/api/todos?page=${page}`)", "fetch(`/api/todos/${token}`)"],
    "evaluated-text": ["eval('1 + 1')", "evaluate(x)", "new Function('return this')()"],
    "delayed-text": ["setTimeout(() => show(name), 10)", "setTimeout(show, 10)", "setTimeout(a + b, 10)"],
    "guessable-secret": [
        "const id = Math.random()",
        "function shuffle(list) { return Math.random() - 0.5; }",
        "function TokenCard() { const angle = Math.random(); return angle; }",
        "const SessionList = () => { const turn = () => Math.random(); return turn(); }",
        "const token = crypto.randomUUID()",
    ],
    "logged-secret": ["console.log('wrong password')", "console.log(error, tokens)"],
    "unchecked-certificate": ["new https.Agent({ rejectUnauthorized: true })"],
    "key-in-script": [
        "const API_KEY = import.meta.env.VITE_KEY",
        "const API_KEY = 'your-api-key-1234'",
        "const tokenUrl = 'https-a1b2c3d4e5f6a7'",
        "const PASSWORD_LABEL = 'Password (8 or more)'",
        f"const commit = '{KEY}'",
        "const secret = 'short'",
    ],
    "well-known-key-in-script": ["const k = 'sk_live_your_key_goes_here'", "const k = 'AKIA'"],
}


def scan(check, text, name="frontend/src/App.jsx"):
    return check.check({name: text})


def rules_of(report):
    return {issue.rule.removeprefix("batchnb/") for issue in report.issues}


def check_for(rule):
    return AstGrepSecrets() if rule in {known.name for known in SECRET_RULES} else AstGrep()


def test_every_rule_has_code_that_it_objects_to_and_code_that_it_lets_pass():
    names = {rule.name for rule in (*RULES, *SECRET_RULES)}

    assert names == set(FAULTY) == set(FINE)


@pytest.mark.parametrize(("rule", "code"), [(rule, code) for rule, codes in FAULTY.items() for code in codes])
def test_the_fault_is_found(rule, code):
    report = scan(check_for(rule), code)

    assert rule in rules_of(report)
    assert not report.incomplete


@pytest.mark.parametrize(("rule", "code"), [(rule, code) for rule, codes in FINE.items() for code in codes])
def test_what_only_looks_like_it_is_let_pass(rule, code):
    report = scan(check_for(rule), code)

    assert rule not in rules_of(report)
    assert not report.incomplete


@pytest.mark.parametrize("check", [AstGrep(), AstGrepSecrets()], ids=lambda check: check.name)
def test_the_planted_fault_is_found(check):
    path, text, rule = check.self_test

    assert rule in {issue.rule for issue in check.check({path: text}).issues}
    assert check.is_for(path)
    assert check.available() == "" == check.offline()
    assert check.version()[0].isdigit()


def test_html_from_the_address_is_worse_than_html_from_anywhere():
    (direct,) = scan(AstGrep(), "box.innerHTML = location.hash").issues
    (other,) = scan(AstGrep(), "box.innerHTML = todo.notes").issues

    assert (direct.severity, other.severity) == (Severity.HIGH, Severity.MEDIUM)


@pytest.mark.parametrize("start", ["", "\ufeff", "// é😀 ", "/* é\r\n */"])
def test_places_are_counted_in_characters_from_one(start):
    (issue,) = scan(AstGrep(), f"{start}\n  eval(code);\r\n").issues

    assert (issue.line, issue.column) == (start.count("\n") + 2, 3)


@pytest.mark.parametrize("suffix", sorted(AstGrep.suffixes))
def test_every_kind_of_script_is_read(suffix):
    report = scan(AstGrep(), "eval(code);\n", f"frontend/a{suffix}")

    assert rules_of(report) == {"evaluated-text"}
    assert report.scanned == {f"frontend/a{suffix}"}


def test_types_are_no_damage():
    text = "const x = <string>y; let f = (a: number): a is any => a!; enum E { A } eval(code as string);"

    assert not scan(AstGrep(), text, "a.ts").incomplete


@pytest.mark.parametrize(
    "text", ["f(((;\neval(code)", "const r = f({ a: b );\neval(code)", "eval(code)\n`${"]
)
def test_a_file_with_a_hole_is_read_and_named(text):
    report = scan(AstGrep(), text)

    assert "is not in the language" in report.incomplete["frontend/src/App.jsx"]


def test_one_broken_file_does_not_hide_the_other():
    report = AstGrep().check({"a.js": "((((", "b.js": "eval(code)"})

    assert [issue.path for issue in report.issues] == ["b.js"]
    assert set(report.incomplete) == {"a.js"}


def test_a_file_that_is_too_long_is_named():
    report = scan(AstGrep(), "x" * ((1 << 20) + 1))

    assert report.unparsed
    assert not report.scanned


def test_more_findings_than_anybody_reads_are_cut_off_and_that_is_said():
    report = scan(AstGrep(), "eval(a);" * 1_000)

    assert len(report.issues) == 200
    assert "more than 200 findings" in report.incomplete["frontend/src/App.jsx"]


HOSTILE = {
    "brackets": "x=" + "(" * 20_000 + "1" + ")" * 20_000 + ";eval(a)",
    "calls": "x=" + "a.b(" * 10_000 + "1" + ")" * 10_000,
    "sums": "fetch(" + "a+" * 50_000 + "b)",
    "elements": "x=" + "<a href={" * 5_000 + "1" + "}></a>" * 5_000,
    "functions": "function token(){" * 5_000 + "Math.random();" + "}" * 5_000,
    "circles": "const a=b, b=a; location.href=a; const c=c+c+c; location=c;" * 500,
    "chains": "".join(f"const a{i}=a{i + 1}+a{i + 2};" for i in range(4_000)) + "location.href=a0;",
    "templates": "`" + "${`" * 5_000 + "a" + "`}" * 5_000 + "`",
    "quotes": '"' * 60_000,
    "one line": 'x="' + "a" * 1_000_000 + '";eval(b)',
    "zero bytes": "eval(a)\0" * 100,
    "lone surrogates": "eval(a)\ud800",
    "nothing": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_takes_neither_the_process_nor_for_ever(text):
    began = time.thread_time()
    for check in (AstGrep(), AstGrepSecrets()):
        report = scan(check, text)

        assert report.scanned == {"frontend/src/App.jsx"}
    assert time.thread_time() - began < 30
