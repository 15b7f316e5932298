"""From a store to a dataset, and decisions back: where the engine's half and the results' half meet."""

from __future__ import annotations

import getpass
from dataclasses import replace
from typing import TYPE_CHECKING

from batchnb.engine.bulk import read_snapshot
from batchnb.records import utc_now
from batchnb.records.errors import InvalidValueError
from batchnb.results.bulk.bulk_frames import frames_of
from batchnb.results.dataset import Dataset
from batchnb.results.decisions.deciding import make_decisions
from batchnb.results.decisions.decision_states import decision_states
from batchnb.results.frames import decisions_frame, portfolio_frame
from batchnb.results.provenance import provenance
from batchnb.tools.digest import app_digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from batchnb.engine.storage import JobStorage
    from batchnb.records import Decision, Portfolio


def gather(storage: JobStorage, portfolio: Portfolio, job_ids: Sequence[int]) -> Dataset:
    """Return all that a store holds about some jobs at this moment, as frames; the jobs may go on.

    Args:
        storage: the store.
        portfolio: the apps, for their lines of code.
        job_ids: the jobs; an unknown one has no rows.
    """
    snapshot = read_snapshot(storage, job_ids)
    return Dataset(
        **frames_of(snapshot),
        portfolio=portfolio_frame(portfolio),
        decisions=decisions_frame(storage.decisions.all()),
        provenance=provenance(snapshot.jobs, portfolio, utc_now()),
    )


def with_digests(data: Dataset, portfolio: Portfolio) -> Dataset:
    """Return the dataset with the digests of its apps as their files are now, for whoever keeps it.

    `provenance["app_digests"]` says when they were taken: an app may have changed since it was analysed.
    """
    wanted = set(zip(data.coverage["model"], data.coverage["app_num"], strict=True))
    apps = {
        f"{app.model}/app{app.app_num}": app_digest(app.path)
        for app in portfolio.apps
        if (app.model, app.app_num) in wanted
    }
    taken = {"taken_at": utc_now().isoformat(), "apps": apps}
    return replace(data, provenance={**data.provenance, "app_digests": taken})


def decide(
    storage: JobStorage,
    portfolio: Portfolio,
    finding: pd.Series | pd.DataFrame,
    verdict: str,
    *,
    reason: str,
    author: str | None = None,
    expires: date | str | None = None,
) -> pd.DataFrame:
    """Store decisions about findings of stored jobs and return them as rows; see Workspace.decide."""
    rows = finding.to_frame().T if hasattr(finding, "to_frame") else finding
    if "job_id" not in getattr(rows, "columns", ()) or rows.empty:
        raise InvalidValueError("finding", f"{finding!r:.80}", "rows of job.findings or job.consensus")
    source = gather(storage, portfolio, sorted({int(number) for number in rows["job_id"].dropna()}))
    # a decision is about one app, and looking at all of a large job would take seconds
    apps = {str(model): sorted(set(part["app_num"])) for model, part in rows.groupby("model", observed=True)}
    source = source.select(models=list(apps), apps=apps)
    made = make_decisions(rows, source, verdict, reason=reason, author=author or user_name(), expires=expires)
    return decision_states(storage.decisions.add_all(made))


def withdraw(storage: JobStorage, decision_id: int, *, reason: str, author: str | None = None) -> Decision:
    """Take a decision back; see Workspace.withdraw."""
    return storage.decisions.withdraw(decision_id, author=author or user_name(), reason=reason)


def user_name() -> str:
    """Return who uses this computer, as the author of a decision.

    Raises:
        InvalidValueError: if the system does not know.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise InvalidValueError("author", None, "give author=: this computer knows no user name") from error
