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
    env["LD_LIBRARY_PATH"] = ":".join(x for x in ["/usr/lib/ldwrap", libs] if x)
    env["LD_PRELOAD"] = SHIM
    if extra:
        env["SHIM_OPTIONS"] = extra
    return env


def describe(program):
    out = subprocess.run(["/usr/bin/ldd", "--", program], capture_output=True, text=True)
    if out.returncode:
        raise RuntimeError(out.stderr)
    return "\n".join(sorted(out.stdout.splitlines()))


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
