import ctypes
import json
import sys


def settings(path):
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def start(config):
    library = config["engine"]["library"]
    return ctypes.CDLL(library)  # bad


if __name__ == "__main__":
    start(settings("/etc/app.json"))
