"""CWE of skylos' rules. skylos names none, except for Java.

The number is the one that the list of MITRE (https://cwe.mitre.org) gives the weakness that the rule's title
names. Where several would do, it is the one that another tool gives the same fault: bandit and gosec for
calls, CodeQL's queries for workflows, skylos' own for Java. `test_skylos_rules.py` holds this table
against the catalogue in skylos' package.
"""

from __future__ import annotations

_BY_CWE = {
    22: "D215 D242 D326 G215",
    59: "D324 D325",
    77: "D300 D306",  # CodeQL: actions/envvar-injection
    78: "D203 D209 D212 D235 G212",
    79: "D226 D227 D228",
    89: "D211 D217 D281 G211",
    94: "D294 D317 D344 D347",  # D344: as the NVD files CVE-2021-42574
    95: "D201 D202",
    200: "D311 D327",
    201: "D263",
    208: "D253",
    209: "D271",
    242: "G206",  # gosec G103
    250: "D264 D302 D330 D333 D336 D352",
    275: "D291",  # CodeQL: actions/missing-workflow-permissions
    290: "D304",
    295: "D210 G210",
    306: "D241 D243 D280 DEP001",
    312: "D297 D298 D309",  # CodeQL: actions/excessive-secrets-exposure
    319: "D318",
    327: "D207 D208 G207 G208 G280",
    338: "D250 G209",
    345: "D282",
    347: "D232 D246",
    349: "D308 D320",  # CodeQL: actions/cache-poisoning
    377: "D348",
    400: "D313 D321",
    489: "D346 DEP002",
    494: "D328 D342 D345",
    501: "D254",
    502: "D204 D205 D206 D233 D265",
    522: "D293",
    532: "D251 D362",
    601: "D230 G220",
    614: "D252 G221",
    668: "D331 D332 D338",
    676: "D200",
    693: "D335",
    697: "D303 D305",
    732: "D334",
    770: "D267",
    772: "G203 G260",
    798: "D244 D301 D316 D343 S101 S102",
    829: "D245 D290 D292 D296 D310 D312 D314 D315 D319 D341 D360",  # CodeQL: actions/unpinned-tag
    862: "D350 D351",
    915: "D234",
    918: "D216 G216",
    922: "D270",
    942: "D231 D247",
    1321: "D510",
    1336: "D349",
    1357: "D337",
    1395: "D354",
    1426: "D262",
    1427: "D240 D260 D261 D266 D353",
}
CWES = {f"SKY-{rule}": cwe for cwe, rules in _BY_CWE.items() for rule in rules.split()}
"""Rule -> CWE."""

_WITHOUT = {
    "a matter of order or policy, not a weakness": "D223 D248 D295 D299 D307 D322 D323 D361 D363 D364",
    "an act that may be meant, not a weakness": "D329 D339 D340",
    "about whether the program works, not about its security": "DEP003 GPU000 GPU001 GPU002 GPU003",
    "stands for a whole family of faults": "SC001",
}
WITHOUT_CWE = {f"SKY-{rule}": why for why, rules in _WITHOUT.items() for rule in rules.split()}
"""Rule -> why it has no CWE."""

NOISE = {
    "SKY-D248": "every app names the address of its own backend, mostly localhost",
}
"""Rule -> why its findings are marked as noise. On 270 generated apps it was every second finding."""
