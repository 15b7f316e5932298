"""Own checks in plain Python: requirements, known vulnerabilities, Dockerfiles and compose files.

They are few and documented, read text and nothing else, and start no program. Rules have names instead of
numbers. Severity and CWE stand beside each rule in its module.
"""
