"""What stands behind a directory of the program is no option, whatever it is called."""

import ctypes
import os
import subprocess

FOLDER = "/srv/effects"
lib = ctypes.CDLL("/srv/effects/base.so")


def symbols(name):
    return subprocess.run(["/usr/bin/nm", "-D", os.path.join(FOLDER, name)], check=True)


def sections(name):
    return subprocess.run(["/usr/bin/readelf", "-S", f"/srv/effects/{name}"], check=True)


def kind(name):
    return subprocess.run(["/usr/bin/file", "./" + name], check=True)
