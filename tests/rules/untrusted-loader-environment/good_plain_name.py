"""A name that may hold no separator, behind a directory of the program."""

import argparse
import os
import subprocess
from pathlib import Path

PACKS = Path("/opt/packs")


def start(pack):
    env = {"LD_LIBRARY_PATH": str(PACKS / pack / "lib")}
    return subprocess.Popen(["/opt/packs/run"], env=env)


def joined(pack):
    env = {}
    env["LD_LIBRARY_PATH"] = os.path.join("/opt/packs", pack)
    return subprocess.Popen(["/opt/packs/run"], env=env)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pack", nargs="+")
    args = parser.parse_args()
    for pack in args.pack:
        if not pack or "/" in pack or pack.startswith("."):
            parser.error(f"bad pack {pack!r}")
        start(pack)
        joined(pack)
