"""One parser under Atheris: ``python -m fuzz.target PARSER [libFuzzer options] [FOLDER...]``."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["loadstone"], enable_loader_override=False):
    from fuzz.parsers import PARSERS


def main() -> None:
    """Fuzz until told to stop; an input that breaks the parser is written where ``-artifact_prefix`` says."""
    parser = PARSERS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, parser)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
