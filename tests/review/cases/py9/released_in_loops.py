"""A handle that one round of a loop, or one way out of it, has given back."""

import _ctypes
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


tap = ctypes.CDLL("libtap.so.2")
tap.tap_open.argtypes = [ctypes.c_char_p]
tap.tap_open.restype = ctypes.c_void_p
tap.tap_next.argtypes = [ctypes.c_void_p]
tap.tap_next.restype = ctypes.c_int
tap.tap_close.argtypes = [ctypes.c_void_p]
tap.tap_close.restype = ctypes.c_int


def tapped(name):
    handle = tap.tap_open(name)
    if not handle:
        raise OSError(name)
    return handle


def ended_in_a_condition(name):
    tap_handle = tapped(name)
    if tap.tap_close(tap_handle) != 0:
        raise OSError("tap_close")
    return tap.tap_next(tap_handle)  #! CWE-416


def failed_to_end(name):
    tap_handle = tapped(name)
    if tap.tap_close(tap_handle) != 0:
        return tap.tap_next(tap_handle)  #! none
    return None


def function_kept(path):
    driver = ctypes.CDLL(path)
    run = driver.driver_run
    _ctypes.dlclose(driver._handle)
    return run(1)  #! CWE-416/CWE-672


def function_used(path):
    driver = ctypes.CDLL(path)
    run = driver.driver_run
    result = run(1)  #! none
    _ctypes.dlclose(driver._handle)
    return result
