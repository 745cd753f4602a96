import os
import subprocess
import sys


def run(tool):
    os.environ["LD_PRELOAD"] = sys.argv[1]  # bad
    subprocess.run([tool], check=True)
