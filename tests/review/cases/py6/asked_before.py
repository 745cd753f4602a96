"""Filters by their name: what a question taught counts too where its answer is kept in a variable first."""

import argparse
import ctypes
import logging
import re

KNOWN = ["blur", "sharpen", "grain"]
log = logging.getLogger(__name__)


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    return parser.parse_args().names


def by_difference():
    names = parsed() or KNOWN
    unknown = set(names) - set(KNOWN)
    if unknown:
        raise SystemExit(f"unknown: {unknown}")
    for name in names:
        ctypes.CDLL(f"/usr/lib/filmroom/lib{name}.so")  #! none CWE-22


def by_list():
    names = parsed()
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        raise SystemExit(f"unknown: {unknown}")
    for each in names:
        ctypes.CDLL(f"/usr/lib/filmroom/lib{each}.so")  #! none CWE-22


def by_subset():
    names = parsed()
    if not set(names) <= set(KNOWN):
        raise SystemExit("unknown")
    for name in names:
        ctypes.CDLL(f"/usr/lib/filmroom/lib{name}.so")  #! none CWE-22


def by_method():
    names = parsed()
    unknown = set(names).difference(KNOWN)
    if unknown:
        raise SystemExit("unknown")
    for name in names:
        ctypes.CDLL(f"/usr/lib/filmroom/lib{name}.so")  #! none CWE-22


def by_pattern():
    name = parsed()[0]
    good = re.fullmatch("[a-z]+", name)
    if good is None:
        raise SystemExit("name")
    ctypes.CDLL(f"/usr/lib/filmroom/lib{name}.so")  #! none CWE-22


def only_told():
    names = parsed()
    unknown = set(names) - set(KNOWN)
    if unknown:
        log.warning("unknown: %s", unknown)
    for name in names:
        ctypes.CDLL(f"/usr/lib/filmroom/lib{name}.so")  #! CWE-22


def other_way_round():
    names = parsed()
    left = set(KNOWN) - set(names)
    if left:
        raise SystemExit(f"missing: {left}")
    for name in names:
        ctypes.CDLL(f"/usr/lib/filmroom/lib{name}.so")  #! CWE-22


def asked_about_another():
    name = parsed()[0]
    is_known = name in KNOWN
    name = parsed()[1]
    if not is_known:
        raise SystemExit("unknown")
    ctypes.CDLL(f"/usr/lib/filmroom/lib{name}.so")  #! CWE-22


def superset():
    names = parsed()
    if not set(names) >= set(KNOWN):
        raise SystemExit("missing")
    for name in names:
        ctypes.CDLL(f"/usr/lib/filmroom/lib{name}.so")  #! CWE-22
