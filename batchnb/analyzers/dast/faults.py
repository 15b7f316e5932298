"""What the embedded probe can report: one table of rules, with severity, confidence and CWE.

Severity says what a visitor could do: high is code, data or files of the server, or script in other visitors'
browsers; medium needs a victim's help or gives away internals; low is a missing second line of defence.
Confidence says how strong the proof is: high is an effect that the answer shows and its benign twin does not;
medium is an effect on time or on the choice between two answers, which something else can also have.
"""

from __future__ import annotations

from dataclasses import dataclass

from batchnb.records.status import Confidence, Severity

_HIGH, _MEDIUM, _LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule of the probe."""

    severity: Severity
    confidence: Confidence
    cwe: int
    title: str
    tags: tuple[str, ...] = ()


def _sure(severity: Severity, cwe: int, title: str, *tags: str) -> Fault:
    return Fault(severity, Confidence.HIGH, cwe, title, tags)


def _likely(severity: Severity, cwe: int, title: str) -> Fault:
    return Fault(severity, Confidence.MEDIUM, cwe, title)


FAULTS: dict[str, Fault] = {
    "sqli-boolean": _sure(_HIGH, 89, "SQL injection: a condition in the value decides the answer"),
    "sqli-error": _sure(_HIGH, 89, "SQL injection: a quote in the value breaks the statement"),
    "sqli-time": _likely(_HIGH, 89, "SQL injection: the value makes the database wait"),
    "command-injection": _sure(_HIGH, 78, "Command injection: the value is run by a shell"),
    "command-injection-time": _likely(_HIGH, 78, "Command injection: the value makes a shell wait"),
    "template-injection": _sure(_HIGH, 1336, "Template injection: the value is rendered as a template"),
    "code-injection": _sure(_HIGH, 95, "Code injection: the value is evaluated as code"),
    "yaml-deserialization": _likely(_HIGH, 502, "A YAML body makes objects of the server's language"),
    "path-traversal": _sure(_HIGH, 22, "Path traversal: a file outside the folder is sent"),
    "reflected-xss": _sure(_HIGH, 79, "Reflected cross-site scripting: the value becomes markup"),
    "stored-xss": _sure(_HIGH, 79, "Stored cross-site scripting: a kept value becomes markup"),
    "stored-xss-upload": _sure(_MEDIUM, 434, "An uploaded page is served as a page of the app"),
    "open-redirect": _sure(_MEDIUM, 601, "Open redirect: the value chooses another site"),
    "cors-reflected-credentials": _sure(_MEDIUM, 942, "Any origin may read answers with credentials"),
    "cors-reflected": _sure(_LOW, 942, "Any origin is reflected as allowed"),
    "cors-any-origin": _sure(_LOW, 942, "Any origin may read answers (without credentials)", "noise"),
    "error-page-stack-trace": _sure(_MEDIUM, 209, "An error page shows the stack trace"),
    "debug-mode": _sure(_HIGH, 489, "The debugger answers to visitors"),
    "exposed-file": _sure(_HIGH, 538, "A file that is not for visitors is served"),
    "header-content-type-options": _sure(_LOW, 693, "No X-Content-Type-Options: nosniff", "noise"),
    "header-content-security-policy": _sure(_LOW, 693, "A page without Content-Security-Policy", "noise"),
    "header-frame-options": _sure(_LOW, 1021, "A page that other sites may put into a frame", "noise"),
    "header-server-version": _sure(_LOW, 200, "The Server header names versions", "noise"),
    "cookie-httponly": _sure(_LOW, 1004, "A session cookie that scripts can read"),
    "cookie-samesite": _sure(_LOW, 1275, "A session cookie without SameSite"),
    "cookie-secure": _sure(_LOW, 614, "A session cookie that also goes over plain HTTP", "noise"),
}
