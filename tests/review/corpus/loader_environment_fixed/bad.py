import os
import subprocess
import sys


def run(tool):
    os.environ["LD_PRELOAD"] = sys.argv[1]  # expect: CWE-15
    subprocess.run([tool], check=True)
