"""A service that keeps its rights when it cannot give them up, and texts that others read as their own language."""

import ctypes
import os
import pickle
import sqlite3
import sys
import threading

from aiohttp import web
from lxml import etree

BOARD = 0x40021000
board = ctypes.CDLL("libboard.so.1")


def become(user):
    os.setgid(user)
    os.setuid(user)


def careless():
    try:
        become(1000)
    except OSError as error:  #! CWE-273
        print(error)
    board.board_start()


def careful():
    try:
        become(1000)
    except OSError as error:  #! none
        print(error)
        sys.exit(1)
    board.board_start()


def other_failure():
    try:
        become(1000)
    except KeyError:  #! none
        print("nobody")


async def find(request):
    name = request.query.get("name", "")
    database = sqlite3.connect("parts.db")
    return web.json_response(database.execute(f"SELECT id FROM part WHERE name = '{name}'").fetchall())  #! CWE-89


async def bound(request):
    name = request.query.get("name", "")
    database = sqlite3.connect("parts.db")
    return web.json_response(database.execute("SELECT id FROM part WHERE name = ?", (name,)).fetchall())  #! none CWE-89


async def whole(request):
    job = pickle.loads(await request.read())  #! CWE-502
    return ctypes.CDLL("/usr/lib/board/" + job["library"])


def parts(path):
    return etree.parse(path, etree.XMLParser(resolve_entities=True))  #! CWE-611


def plain_parts(path):
    return etree.parse(path, etree.XMLParser(resolve_entities=False))  #! none


def registers():
    return (ctypes.c_uint32 * 16).from_address(BOARD)  #! CWE-587


def own_registers():
    room = ctypes.create_string_buffer(64)
    return (ctypes.c_uint32 * 16).from_address(ctypes.addressof(room))  #! none


class Board:
    _only = None
    _other = None
    _gate = threading.Lock()

    def __init__(self):
        self.lib = ctypes.CDLL("libboard.so.1")

    @classmethod
    def only(cls):
        if cls._only is None:  #! CWE-362
            cls._only = cls()
        return cls._only

    @classmethod
    def other(cls):
        with cls._gate:
            if cls._other is None:  #! none
                cls._other = cls()
            return cls._other


class Jobs:
    def __init__(self):
        self._moved = threading.Condition()
        self._ended = {}
        self._first = threading.Lock()
        self._arrivals = threading.Lock()

    def result(self, job):
        with self._moved:
            if job not in self._ended:
                self._moved.wait(5)  #! CWE-662
            return self._ended[job]

    def asked_again(self, job):
        with self._moved:
            if job not in self._ended:
                self._moved.wait(5)  #! none
            if job not in self._ended:
                raise TimeoutError(job)
            return self._ended[job]

    def pause(self):
        with self._moved:
            self._moved.wait(1)  #! none

    def one_way(self):
        with self._first, self._arrivals:
            board.board_step()

    def add(self):
        with self._first:
            with self._arrivals:
                board.board_step()

    def other_way(self):
        with self._arrivals:
            with self._first:  #! CWE-833
                board.board_step()
