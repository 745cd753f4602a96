"""The command line: one file a command, and no logic in any of them - parse, call, render."""
