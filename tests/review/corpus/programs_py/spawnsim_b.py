"""Start the simulator with the libraries that came with it."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIBS = ROOT / "lib"


def child_environment():
    env = dict(os.environ)
    if sys.platform == "darwin":
        variable = "DYLD_LIBRARY_PATH"
    else:
        variable = "LD_LIBRARY_PATH"
    earlier = env.get(variable)
    env[variable] = f"{LIBS}:{earlier}" if earlier else str(LIBS)
    return env


def run(arguments):
    program = ROOT / "bin" / "simcore"
    if not program.is_file():
        raise SystemExit(f"{program} is missing: the installation is incomplete")
    return subprocess.run([str(program), *arguments], env=child_environment()).returncode


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
