"""The options of the zap analysis."""

from __future__ import annotations

from pydantic import Field

from batchnb.analyzers.running import RunOptions


class ZapOptions(RunOptions):
    """Options of the zap analysis, beside those that say how the app comes to run."""

    probe: bool = Field(
        default=True,
        title="Embedded probe",
        description="Test with the embedded probe, which needs no other program. It is not ZAP.",
    )
    probe_minutes: float = Field(
        default=5.0, gt=0, le=120, title="Probe time (min)", description="How long the probe may take."
    )
    delete_routes: bool = Field(
        default=False,
        title="Call DELETE routes of a running app",
        description="Also call routes that delete in an app that runs already; in one that is started "
        "for the test they always are.",
    )
    zap_address: str = Field(
        default="",
        title="ZAP address",
        description="Where a ZAP listens, such as http://127.0.0.1:8080; its key is taken from the "
        "environment variable ZAP_API_KEY. It can only reach an app that runs already. Empty: no ZAP.",
    )
    scan_policy: str = Field(
        default="", title="Scan policy", description="Name of one of ZAP's scan policies. Empty: its default."
    )
    spider: bool = Field(default=True, title="Spider", description="Have ZAP follow links.")
    ajax_spider: bool = Field(
        default=False,
        title="AJAX spider",
        description="Have ZAP click through the app in a browser, if it has that add-on.",
    )
    active_scan: bool = Field(
        default=True,
        title="Active scan",
        description="Have ZAP attack the app; otherwise it only looks at answers.",
    )
    zap_minutes: float = Field(
        default=15.0, gt=0, le=600, title="ZAP time (min)", description="How long ZAP may take."
    )
    exclude_routes: tuple[str, ...] = Field(
        default=(),
        title="Routes to leave out",
        description="Paths that are not called, each as the source has it, such as /api/todos/{id}.",
    )
    wapiti: bool = Field(
        default=False, title="Test with wapiti", description="Also test with wapiti, if it is installed."
    )
    wapiti_minutes: float = Field(
        default=5.0, gt=0, le=120, title="wapiti time (min)", description="How long wapiti may take."
    )
