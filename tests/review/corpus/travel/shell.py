import os
import sys


def run():
    os.system("ls " + sys.argv[1])  # expect: CWE-78
