"""Extensions of a database: loading is taken back, and members of bundles are objects of anybody's."""

import pickle
import sqlite3
import tarfile
import zipfile

from lxml import etree


def connect(path):
    database = sqlite3.connect(path)
    database.enable_load_extension(True)  #! none
    try:
        database.load_extension("/usr/lib/geo.so")
    finally:
        database.enable_load_extension(False)
    return database


def index(path):
    with zipfile.ZipFile(path) as bundle:
        return pickle.loads(bundle.read("index"))  #! CWE-502


def kind(path):
    with tarfile.open(path) as bundle:
        return pickle.loads(bundle.extractfile("kind").read())  #! CWE-502


def extension(database, path):
    root = etree.parse(path).getroot()
    for node in root.iterfind("extension"):
        database.load_extension(node.get("file"))  #! CWE-114
