"""What a panel needs from whoever shows it; a workspace is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from batchnb.analyzers.registry import AnalyzerRegistry
    from batchnb.engine.service import BatchAnalysisService
    from batchnb.engine.storage import JobStorage
    from batchnb.results.portfolio_view import PortfolioView


@runtime_checkable
class PanelHost(Protocol):
    """The apps, the analyses there are, and the engine that runs them."""

    @property
    def portfolio(self) -> PortfolioView:
        """The apps."""
        ...

    @property
    def registry(self) -> AnalyzerRegistry:
        """The analyses."""
        ...

    @property
    def service(self) -> BatchAnalysisService:
        """What starts and cancels jobs."""
        ...

    @property
    def storage(self) -> JobStorage:
        """Where jobs live."""
        ...


def require_host(host: object, user: str) -> PanelHost:
    """Return `host` if it can serve a panel.

    Raises:
        TypeError: if it cannot; the message says what can.
    """
    if not isinstance(host, PanelHost):
        raise TypeError(f"{user} needs a workspace such as batchnb.open('apps'), not {host!r:.80}")
    return host
