"""Coverage-guided fuzzing of Loadstone's own parsers: see README.md in this folder."""
