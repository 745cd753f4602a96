"""What a description of a pack names, checked where its object is made, or only where one of two is."""

import configparser
import ctypes
import json
import sys
from pathlib import Path

HOME = Path("/srv/packs")
SITE = "/etc/packs.ini"


class Pack:
    def __init__(self, document):
        self.title = document["title"]
        self.file = document["file"]
        if not self.title.isidentifier():
            raise ValueError(self.title)

    @property
    def named(self):
        return HOME / f"{self.title}.so"

    @property
    def listed(self):
        return HOME / self.file


class Renamed:
    def __init__(self, document):
        self.title = document["title"]
        if not self.title.isidentifier():
            raise ValueError(self.title)

    def rename(self, document):
        self.title = document["title"]

    def open(self):
        return ctypes.CDLL(str(HOME / self.title))  #! CWE-22


def by_title(path):
    pack = Pack(json.load(open(path)))
    return ctypes.CDLL(str(pack.named))  #! none


def by_file(path):
    pack = Pack(json.load(open(path)))
    return ctypes.CDLL(str(pack.listed))  #! CWE-22


def again(path):
    pack = Renamed(json.load(open(path)))
    pack.rename(json.load(open(path)))
    return pack.open()


def one_part(path):
    name = json.load(open(path))["module"]
    if "/" in name:
        raise ValueError(name)
    return ctypes.CDLL(str(HOME / name))  #! none


def not_up(path):
    name = json.load(open(path))["module"]
    if name.startswith("."):
        raise ValueError(name)
    return ctypes.CDLL(str(HOME / name))  #! CWE-22


def of_the_site():
    settings = configparser.ConfigParser()
    settings.read([SITE])
    return ctypes.CDLL(settings["audio"]["backend"])  #! none CWE-114


def of_the_site_or_ours():
    both = configparser.ConfigParser()
    both.read([SITE, Path(sys.argv[1]) / "packs.ini"])
    return ctypes.CDLL(both["audio"]["backend"])  #! CWE-114
