"""Linux mechanisms through ctypes, one a file, each usable alone: seccomp, Landlock, namespaces, ptrace, /proc."""
