"""A path from a request that gets to the loader by a property, by `map`, by a pool and by a thread."""

import threading
from concurrent.futures import ThreadPoolExecutor
from ctypes import CDLL
from functools import cached_property

from flask import request


class Wanted:
    def __init__(self, asked):
        self._asked = asked

    @property
    def library(self):
        return self._asked["library"]

    @cached_property
    def label(self):
        return self._asked["label"]

    @property
    def fixed(self):
        return "/opt/desk/codec.so"


def by_property():
    return CDLL(Wanted(request.args).library)  #! CWE-114


def by_fixed_property():
    return CDLL(Wanted(request.args).fixed)  #! none CWE-114


def by_map():
    return list(map(CDLL, request.args.getlist("library")))  #! CWE-114


def by_pool():
    with ThreadPoolExecutor() as pool:
        pool.map(CDLL, request.args.getlist("library"))  #! CWE-114


def by_thread():
    threading.Thread(target=CDLL, args=(request.args["library"],)).start()  #! CWE-114


def shown_only():
    return list(map(print, request.args.getlist("library")))  #! none CWE-114
