import argparse
import ctypes
import os
import subprocess
import sys


def lines():
    for line in open("libs.txt"):
        ctypes.CDLL(line.strip())  # expect: CWE-114


def options():
    p = argparse.ArgumentParser()
    p.add_argument("lib")
    args = vars(p.parse_args())
    return ctypes.CDLL(args["lib"])  # expect: CWE-114


def rest():
    name, *more = sys.argv[1:]
    return ctypes.CDLL(name)  # expect: CWE-114


def preload(d):
    subprocess.Popen(["/usr/bin/worker"], env=dict(os.environ, LD_PRELOAD=sys.argv[1]))  # expect: CWE-15
