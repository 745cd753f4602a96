import os
import subprocess


def run(tool):
    env = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": "/opt/app/lib"}
    subprocess.run([tool], check=True, env=env)
