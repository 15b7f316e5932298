"""The warden: a helper process that starts outside programs and sees to it that none outlives its task.

    kernel -- one socket --> warden -- fork --> guard, one per task -- fork, exec --> the program's tree
       `-------- control socket, one per task -----'

The kernel has many threads, a memory that is slow to fork and a lock (the GIL) that one regular expression
can hold for seconds. So it starts nothing itself: the warden, small and single-threaded, forks a guard for
each task. The guard is a *subreaper* (orphans of the tree become its children, whatever session they moved
to), keeps the deadline, and kills until `wait` says that no child is left. Who dies, and what follows:

- the kernel: the warden sees it, every guard ends its tree, the warden leaves last;
- the warden: every guard sees it, ends its tree and reports the task as lost; the next task starts a new
  warden;
- a guard (killed by its own task, say): the warden inherits the tree, ends it, and only then closes the
  control socket, from which the kernel reads "lost".

What stays open: code with the same user id and without a sandbox can kill guard, warden and kernel together,
or freeze its guard with ptrace; a fork bomb is put out fast only where the guard may outrank it (as root) or
where `Limits.processes` holds (not for root).

This file imports nothing, and `server`, `guard`, `child`, `linux`, `scratch` and `protocol` import only the
standard library and each other, relatively: the helper runs them as a package named `warden`, without
batchnb and without site-packages, so that it starts fast and stays small.
"""
