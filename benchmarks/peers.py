"""Other systems that run the same no-op on the same number of workers, each as its own docs say.

Every function returns the seconds from the first task's hand-over until the last result is there.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.disk import SCRATCH, WORKERS


def noop(number: int) -> int:
    """Do nothing; return something, since huey stores no None."""
    return number


def bare_pool(tasks: int) -> float:
    with ThreadPoolExecutor(WORKERS) as pool:
        start = time.perf_counter()
        futures = [pool.submit(noop, number) for number in range(tasks)]
        for future in futures:
            future.result()
        return time.perf_counter() - start


def joblib_threads(tasks: int) -> float:
    from joblib import Parallel, delayed  # noqa: PLC0415 - a peer is optional

    start = time.perf_counter()
    Parallel(n_jobs=WORKERS, backend="threading")(delayed(noop)(number) for number in range(tasks))
    return time.perf_counter() - start


def dask_default(tasks: int) -> float:
    """Run on distributed as it comes: a worker is given 3 tasks at a time and asks for more every 2 ms."""
    return _dask_distributed(tasks, {})


def dask_saturated(tasks: int) -> float:
    """Run on distributed with all tasks sent ahead, the setting that its docs have for tiny tasks."""
    return _dask_distributed(tasks, {"distributed.scheduler.worker-saturation": "inf"})


def _dask_distributed(tasks: int, settings: dict[str, str]) -> float:
    """Run on a LocalCluster whose scheduler and worker are threads of this process, as ours are."""
    import dask  # noqa: PLC0415 - a peer is optional
    from distributed import Client, LocalCluster  # noqa: PLC0415 - a peer is optional

    dask.config.set(settings)
    cluster = LocalCluster(
        n_workers=1, threads_per_worker=WORKERS, processes=False, dashboard_address=None, silence_logs=50
    )
    with cluster, Client(cluster) as client:
        start = time.perf_counter()
        client.gather(client.map(noop, range(tasks), pure=False))
        return time.perf_counter() - start


def dask_threads(tasks: int) -> float:
    """Dask's other local scheduler: one graph on a pool of threads, no futures, nothing to cancel."""
    import dask  # noqa: PLC0415 - a peer is optional

    start = time.perf_counter()
    graph = [dask.delayed(noop, pure=False)(number) for number in range(tasks)]
    dask.compute(*graph, scheduler="threads", num_workers=WORKERS)
    return time.perf_counter() - start


def huey_sqlite(tasks: int) -> float:
    """Queue and results in SQLite, a consumer with worker threads; fsync as it comes (synchronous=FULL).

    The consumer starts when everything is queued: side by side, the two wait for each other's locks.
    """
    from huey import SqliteHuey, signals  # noqa: PLC0415 - a peer is optional

    logging.getLogger("huey").setLevel(logging.ERROR)  # it would print every task
    with TemporaryDirectory(dir=SCRATCH) as folder:
        huey = SqliteHuey(filename=str(Path(folder, "huey.db")), immediate=False)
        work = huey.task()(noop)
        left, done, lock = iter(range(tasks - 1)), threading.Event(), threading.Lock()

        @huey.signal(signals.SIGNAL_COMPLETE)  # sent when the result is stored
        def count(signal: str, task: object) -> None:  # noqa: ARG001 - huey passes them
            with lock:
                if next(left, None) is None:
                    done.set()

        consumer = huey.create_consumer(workers=WORKERS, periodic=False)
        start = time.perf_counter()
        for number in range(tasks):
            work(number)
        consumer.start()
        done.wait()
        seconds = time.perf_counter() - start
        consumer.stop(graceful=True)
        stored = huey.result_count()
        huey.storage.close()
    if stored != tasks:
        raise RuntimeError(f"huey stored {stored} results of {tasks} tasks")
    return seconds
