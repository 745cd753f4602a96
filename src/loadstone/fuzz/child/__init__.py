"""The fuzzed process: it loads, mutates and calls, speaks through shared memory, and runs foreign code."""
