"""What others put into a command of a shell is said once, and not who finds its program."""

import ctypes
import json
import os


def load(path):
    with open(path, encoding="utf-8") as given:
        row = json.load(given)
    os.system(f"notify 'loading' '{row.get('title', path)}'")  #! none CWE-426
    return ctypes.CDLL("/usr/lib/shell/libshell.so")


def announce():
    os.system("notify loaded")  #! CWE-426
