"""Start the simulator with the vendor runtime of the user's choice."""
import os
import shutil
import subprocess
import sys
from pathlib import Path


def main(argv):
    home = Path(os.environ.get("SIM_RUNTIME", Path.home() / ".sim" / "runtime"))
    env = dict(os.environ)
    env["LD_LIBRARY_PATH"] = f"{home / 'lib'}:{env.get('LD_LIBRARY_PATH', '')}"  # expect: CWE-427
    env["SIM_GPU"] = argv[1] if len(argv) > 1 else "0"
    tool = shutil.which("simcore")
    if tool is None:
        print("simcore is not installed", file=sys.stderr)
        return 127
    return subprocess.call(f"{tool} --gpu {env['SIM_GPU']}", shell=True, env=env)  # expect: CWE-78


if __name__ == "__main__":
    sys.exit(main(sys.argv))
