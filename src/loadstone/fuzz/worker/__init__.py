"""The process that forks the fuzzed child, watches it from outside and reports. Standard library only."""
