"""The folder of what is loaded is compared with the one that is allowed."""

import ctypes
import os
from pathlib import Path

from flask import abort, request

FOLDER = "/srv/effects"


def by_name():
    path = os.path.realpath(os.path.join(FOLDER, request.args["name"] + ".so"))
    if os.path.dirname(path) != FOLDER:
        abort(400)
    return ctypes.CDLL(path)


def by_path():
    path = (Path(FOLDER) / request.args["name"]).resolve()
    if path.parent != Path(FOLDER):
        raise ValueError(path)
    return ctypes.CDLL(str(path))


def by_split():
    path = os.path.realpath(os.path.join(FOLDER, request.args["name"]))
    if os.path.split(path)[0] == os.path.realpath(FOLDER):
        return ctypes.CDLL(path)
    raise ValueError(path)
