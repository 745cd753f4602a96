import os
import subprocess


def run(cmd):
    env = dict(os.environ)
    os.environ["LD_LIBRARY_PATH"] = "/opt/app/lib:" + os.environ.get("LD_LIBRARY_PATH", "")  # expect: CWE-427
    subprocess.run(cmd, check=True)
