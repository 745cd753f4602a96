"""A handle that one round of a loop, or one way out of it, has given back."""

import ctypes

lib = ctypes.CDLL("libfeed.so.2")
lib.feed_open.argtypes = [ctypes.c_char_p]
lib.feed_open.restype = ctypes.c_void_p
lib.feed_next.argtypes = [ctypes.c_void_p]
lib.feed_next.restype = ctypes.c_int
lib.feed_close.argtypes = [ctypes.c_void_p]
lib.feed_close.restype = None


def opened(name):
    feed = lib.feed_open(name)
    if not feed:
        raise OSError(name)
    return feed


def ended_twice(name):
    feed = opened(name)
    while True:
        got = lib.feed_next(feed)
        if got < 0:
            lib.feed_close(feed)
            break
        if got == 0:
            break
    lib.feed_close(feed)  #! CWE-415


def ended_or_forgotten(name):
    feed = opened(name)
    while True:
        got = lib.feed_next(feed)
        if got < 0:
            lib.feed_close(feed)
            feed = None
            break
        if got == 0:
            break
    if feed:
        lib.feed_close(feed)  #! none


def flagged(name):
    feed = opened(name)
    failed = False
    for _ in range(8):
        if lib.feed_next(feed) < 0:
            lib.feed_close(feed)
            failed = True
            break
    if failed:
        return None
    return lib.feed_next(feed)  #! none


def every_round(names):
    feed = opened(names[0])
    total = 0
    for _ in names:
        total += lib.feed_next(feed)  #! CWE-416
        lib.feed_close(feed)
    return total


def one_a_round(names):
    total = 0
    for name in names:
        feed = opened(name)
        total += lib.feed_next(feed)  #! none
        lib.feed_close(feed)
    return total


def those_given(feeds):
    for feed in feeds:
        print(lib.feed_next(feed))  #! none
        lib.feed_close(feed)
