"""Workers: warm Python processes in which analyzers and parsers run, so that none can hurt the notebook.

    kernel -- one call at a time, JSON frames --> worker (guarded by the warden, with a tree of its own)

One regular expression holds the kernel's lock (the GIL) for seconds, a report of 35 MB freezes the notebook
while it is parsed, a segmentation fault ends it. So such work is done by `WorkerPool.call` elsewhere. What
follows when a call goes wrong:

- it hangs, loops or ignores signals: the worker's guard, which is a process of its own, kills the worker and
  all that it started at the call's deadline, even while the kernel itself is frozen;
- it crashes or takes too much memory: that call fails, and the next one gets a new worker;
- it leaves something behind (threads, processes, a changed folder, environment or signal handler): its answer
  counts, and the worker is not used again;
- it answers with more or with something else than was agreed: the worker is killed, the call fails;
- the kernel dies: so does every worker, with all that it started.

Answers are JSON, never pickles: whoever took over a worker can send wrong data, not code. Nothing here is a
sandbox; code in a worker can do what the user can.

Where there is no warden (macOS), `fallback` starts workers as plain children, and says what that lacks.
"""
