"""``python -m loadstone``: the same as the command ``loadstone``."""

from loadstone.cli.main import main

if __name__ == "__main__":
    main()
