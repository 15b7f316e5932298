"""Make the bundled CWE tree from MITRE's XML: names, parents in the research view, OWASP Top 10 (2021).

The XML is `cwec_v*.xml` of https://cwe.mitre.org/data/downloads.html; the npm package `cwe-sdk` carries a
copy as `raw/cwe-archive.xml`.

    python scripts/make_cwe_tree.py cwec.xml batchnb/results/identity/cwe.json
"""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

RESEARCH_VIEW = "1000"
OWASP_VIEW = "1344"
CWE = "{http://cwe.mitre.org/cwe-7}"
LICENSE = (
    "Copyright (c) 2006-2024, The MITRE Corporation. CWE and the CWE logo are trademarks of The MITRE "
    "Corporation. CWE Usage: MITRE hereby grants you a non-exclusive, royalty-free license to use CWE "
    "for research, development, and commercial purposes. Any copy you make for such purposes is "
    "authorized on the condition that you reproduce MITRE's copyright designation and this license in "
    "any such copy. DISCLAIMERS: ALL DOCUMENTS AND THE INFORMATION CONTAINED IN THE CWE ARE PROVIDED ON"
    ' AN "AS IS" BASIS AND THE CONTRIBUTOR, THE ORGANIZATION HE/SHE REPRESENTS OR IS SPONSORED BY (IF '
    "ANY), THE MITRE CORPORATION, ITS BOARD OF TRUSTEES, OFFICERS, AGENTS, AND EMPLOYEES, DISCLAIM ALL "
    "WARRANTIES, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO ANY WARRANTY THAT THE USE OF THE "
    "INFORMATION THEREIN WILL NOT INFRINGE ANY RIGHTS OR ANY IMPLIED WARRANTIES OF MERCHANTABILITY OR "
    "FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE CONTRIBUTOR, THE "
    "ORGANIZATION HE/SHE REPRESENTS OR IS SPONSORED BY (IF ANY), THE MITRE CORPORATION, ITS BOARD OF "
    "TRUSTEES, OFFICERS, AGENTS, AND EMPLOYEES BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, "
    "WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH "
    "THE INFORMATION OR THE USE OR OTHER DEALINGS IN THE CWE."
)


def read(path: Path) -> dict[str, Any]:
    """Return the tree as JSON-able data."""
    root = ET.parse(path).getroot()
    weaknesses = {
        int(node.attrib["ID"]): [node.attrib["Name"], node.attrib["Abstraction"].lower(), parents(node)]
        for node in root.iter(f"{CWE}Weakness")
    }
    categories = {int(node.attrib["ID"]): node for node in root.iter(f"{CWE}Category")}
    view = next(node for node in root.iter(f"{CWE}View") if node.attrib["ID"] == OWASP_VIEW)
    listed = [categories[int(member.attrib["CWE_ID"])] for member in view.iter(f"{CWE}Has_Member")]
    return {
        "version": root.attrib["Version"],
        "date": root.attrib["Date"],
        "license": LICENSE,
        "weaknesses": dict(sorted(weaknesses.items())),
        "categories": {number: node.attrib["Name"] for number, node in sorted(categories.items())},
        "owasp_2021": {title(node): members(node) for node in listed},
    }


def parents(node: ET.Element) -> list[int]:
    """Return what a weakness is a child of in the research view, the primary parent first."""
    found = [
        link
        for link in node.iter(f"{CWE}Related_Weakness")
        if link.attrib["Nature"] == "ChildOf" and link.attrib["View_ID"] == RESEARCH_VIEW
    ]
    found.sort(key=lambda link: link.get("Ordinal") != "Primary")
    return [int(link.attrib["CWE_ID"]) for link in found]


def title(category: ET.Element) -> str:
    """Return `A03:2021 Injection` for `OWASP Top Ten 2021 Category A03:2021 - Injection`."""
    name = re.fullmatch(r"OWASP Top Ten 2021 Category (A\d\d:2021) -\s*(.+)", category.attrib["Name"])
    if name is None:
        raise ValueError(category.attrib["Name"])
    return f"{name[1]} {name[2]}"


def members(category: ET.Element) -> list[int]:
    """Return the CWEs of a category, sorted."""
    return sorted(int(member.attrib["CWE_ID"]) for member in category.iter(f"{CWE}Has_Member"))


def write(tree: dict[str, Any], path: Path) -> None:
    """Write the tree, one entry per line, so that a newer version reads as a difference."""
    parts = [f"{_json(key)}: {_lines(value)}" for key, value in tree.items()]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def _lines(value: Any) -> str:
    if not isinstance(value, dict):
        return _json(value)
    return "{\n" + ",\n".join(f"{_json(str(key))}:{_json(entry)}" for key, entry in value.items()) + "\n}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    write(read(Path(sys.argv[1])), Path(sys.argv[2]))
