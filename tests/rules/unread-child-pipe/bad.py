import subprocess
import sys

TOOL = ["/usr/bin/ldd", "/usr/lib/libz.so.1"]


def needed():
    tool = subprocess.Popen(TOOL, stdout=subprocess.PIPE, text=True)
    if tool.wait() != 0:  # bad
        raise OSError(tool.stderr)
    return tool.stdout.read().split()


class Probe:
    def __init__(self):
        self.child = subprocess.Popen([sys.executable, "probe.py"], stderr=subprocess.PIPE)
        self.child.wait()  # bad
