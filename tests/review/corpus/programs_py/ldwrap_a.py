"""Start a tool under the tracing shim (LD_PRELOAD)."""
import argparse
import os
import shlex
import subprocess
import sys

SHIM = "/usr/lib/ldwrap/libshim.so"


def environment(extra):
    env = dict(os.environ)
    libs = env.get("LD_LIBRARY_PATH", "")
    env["LD_LIBRARY_PATH"] = "/usr/lib/ldwrap:" + libs  # expect: CWE-427
    env["LD_PRELOAD"] = SHIM
    if extra:
        env["LD_PRELOAD"] = f"{extra}:{SHIM}"  # expect: CWE-15
    return env


def describe(program):
    out = subprocess.run(f"ldd {program} | sort", shell=True, capture_output=True, text=True)  # expect: CWE-78
    return out.stdout


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--extra", default="")
    parser.add_argument("--describe", action="store_true")
    args = parser.parse_args(argv)
    if args.describe:
        print(describe(args.program))
        return 0
    done = subprocess.run([args.program], env=environment(args.extra), check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
