"""Severity and CWE of the JavaScript rules that are switched on, in oxlint and in ESLint with its plug-ins.

None of these tools gives a CWE, and their severities are the configuration's. A row here says what the rule's
documentation (`DOCUMENTATION`) describes, in the words of the CWE list; the severity is that of the plain
case, for an app that runs in a visitor's browser: high if the rule sees code or HTML made from a value,
medium if what it sees needs one more thing to go wrong, low if it is a missing second line of defence.

Left out on purpose: `security/detect-object-injection`, three quarters of all hits on real apps and hardly
ever true; `unicorn/require-post-message-target-origin`, as a missing origin means the same one.
"""

from __future__ import annotations

from typing import NamedTuple

from batchnb.records import Severity


class ScriptRule(NamedTuple):
    """What a rule's findings are worth."""

    severity: Severity
    cwe: int | None
    tags: tuple[str, ...] = ()


DOCUMENTATION = {
    "": "https://eslint.org/docs/v9.x/rules/",
    "react": "https://github.com/jsx-eslint/eslint-plugin-react/tree/v7.37.5/docs/rules",
    "unicorn": "https://github.com/sindresorhus/eslint-plugin-unicorn/tree/main/docs/rules",
    "security": "https://github.com/eslint-community/eslint-plugin-security/tree/main/docs/rules",
    "no-unsanitized": "https://github.com/mozilla/eslint-plugin-no-unsanitized/tree/master/docs/rules",
    "@microsoft/sdl": "https://github.com/microsoft/eslint-plugin-sdl/tree/main/docs/rules",
}
"""Where each plug-in's rules are described; the empty name is ESLint itself."""

_HIGH, _MEDIUM, _LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW
_NOISE = ("noise",)
_RULES: dict[str, ScriptRule] = {
    # CWE-95 Improper Neutralization of Directives in Dynamically Evaluated Code
    "no-eval": ScriptRule(_MEDIUM, 95),
    "no-implied-eval": ScriptRule(_MEDIUM, 95),
    "no-new-func": ScriptRule(_MEDIUM, 95),
    "security/detect-eval-with-expression": ScriptRule(_HIGH, 95),
    "@microsoft/sdl/no-msapp-exec-unsafe": ScriptRule(_MEDIUM, 95),
    # CWE-83 Improper Neutralization of Script in Attributes in a Web Page
    "no-script-url": ScriptRule(_MEDIUM, 83),
    "react/jsx-no-script-url": ScriptRule(_MEDIUM, 83),
    # CWE-79 Cross-site Scripting
    "react/no-danger": ScriptRule(_MEDIUM, 79),
    "no-unsanitized/method": ScriptRule(_HIGH, 79),
    "no-unsanitized/property": ScriptRule(_HIGH, 79),
    "security/detect-disable-mustache-escape": ScriptRule(_MEDIUM, 79),
    "@microsoft/sdl/no-angular-bypass-sanitizer": ScriptRule(_HIGH, 79),
    "@microsoft/sdl/no-angular-sanitization-trusted-urls": ScriptRule(_MEDIUM, 79),
    "@microsoft/sdl/no-angularjs-bypass-sce": ScriptRule(_HIGH, 79),
    "@microsoft/sdl/no-angularjs-enable-svg": ScriptRule(_MEDIUM, 79),
    "@microsoft/sdl/no-angularjs-sanitization-whitelist": ScriptRule(_MEDIUM, 79),
    "@microsoft/sdl/no-document-write": ScriptRule(_MEDIUM, 79),
    "@microsoft/sdl/no-html-method": ScriptRule(_MEDIUM, 79),
    "@microsoft/sdl/no-inner-html": ScriptRule(_MEDIUM, 79),
    "@microsoft/sdl/no-winjs-html-unsafe": ScriptRule(_MEDIUM, 79),
    # CWE-1022 Use of Web Link to Untrusted Target with window.opener Access
    "react/jsx-no-target-blank": ScriptRule(_LOW, 1022),
    # CWE-829 Inclusion of Functionality from Untrusted Control Sphere
    "react/iframe-missing-sandbox": ScriptRule(_LOW, 829),
    "security/detect-non-literal-require": ScriptRule(_MEDIUM, 829),
    # CWE-1004 Sensitive Cookie Without 'HttpOnly' Flag: script can never set it
    "unicorn/no-document-cookie": ScriptRule(_LOW, 1004),
    "@microsoft/sdl/no-cookies": ScriptRule(_LOW, 1004),
    # CWE-346 Origin Validation Error
    "@microsoft/sdl/no-postmessage-star-origin": ScriptRule(_MEDIUM, 346),
    "@microsoft/sdl/no-document-domain": ScriptRule(_MEDIUM, 346),
    # CWE-319 Cleartext Transmission of Sensitive Information
    "@microsoft/sdl/no-insecure-url": ScriptRule(_MEDIUM, 319),
    # CWE-338 Use of Cryptographically Weak Pseudo-Random Number Generator; any Math.random() is one
    "@microsoft/sdl/no-insecure-random": ScriptRule(_LOW, 338, _NOISE),
    "security/detect-pseudoRandomBytes": ScriptRule(_MEDIUM, 338),
    # CWE-1333 Inefficient Regular Expression Complexity
    "security/detect-unsafe-regex": ScriptRule(_MEDIUM, 1333),
    "security/detect-non-literal-regexp": ScriptRule(_LOW, 1333),
    # CWE-22 Path Traversal, CWE-78 OS Command Injection, CWE-208 Observable Timing Discrepancy
    "security/detect-non-literal-fs-filename": ScriptRule(_MEDIUM, 22),
    "security/detect-child-process": ScriptRule(_HIGH, 78),
    "security/detect-possible-timing-attacks": ScriptRule(_LOW, 208),
    # CWE-352 Cross-Site Request Forgery
    "security/detect-no-csrf-before-method-override": ScriptRule(_MEDIUM, 352),
    # CWE-125 Out-of-bounds Read, CWE-908 Use of Uninitialized Resource
    "security/detect-buffer-noassert": ScriptRule(_MEDIUM, 125),
    "security/detect-new-buffer": ScriptRule(_MEDIUM, 908),
    "@microsoft/sdl/no-unsafe-alloc": ScriptRule(_LOW, 908),
    # CWE-1007 Insufficient Visual Distinction of Homoglyphs Presented to User
    "security/detect-bidi-characters": ScriptRule(_HIGH, 1007),
    "security/detect-invisible-characters": ScriptRule(_MEDIUM, 1007),
    # CWE-749 Exposed Dangerous Method or Function
    "@microsoft/sdl/no-electron-node-integration": ScriptRule(_HIGH, 749),
    # The element cannot be rendered at all, so nothing is exposed
    "react/no-danger-with-children": ScriptRule(_LOW, None),
}
RULES = frozenset(_RULES)
"""Every rule of the table; each is switched on in at least one tool."""


def script_rule(rule: str) -> ScriptRule:
    """Return what a rule's findings are worth, by its ESLint name such as `react/no-danger`.

    A rule that is not in the table is medium, without a CWE.
    """
    return _RULES.get(rule, ScriptRule(_MEDIUM, None))
