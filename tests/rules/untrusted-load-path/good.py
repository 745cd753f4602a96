import ctypes
import json
import sys

ENGINES = {"fast": "/usr/lib/app/fast.so", "small": "/usr/lib/app/small.so"}


def settings(path):
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


def start(config):
    name = config["engine"]["library"]
    if name not in ENGINES:
        raise ValueError(name)
    return ctypes.CDLL(ENGINES[name])


if __name__ == "__main__":
    start(settings("/etc/app.json"))
