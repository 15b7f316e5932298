"""Tests of a running app over HTTP: the embedded probe, a ZAP that runs elsewhere, and wapiti."""
