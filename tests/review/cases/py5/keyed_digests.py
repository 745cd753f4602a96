"""Modules that are sent with a keyed digest: who may leave it out, and how it is compared."""

import ctypes
import hashlib
import hmac


class Refused(Exception):
    pass


class Lax:
    def __init__(self, key):
        self._key = key

    def seal(self, body):
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()

    def take(self, body, seal):
        if seal is not None:  #! CWE-347
            if not hmac.compare_digest(self.seal(body), seal):
                raise Refused("seal")

    def is_ours(self, body, seal):
        return self.seal(body) == seal  #! CWE-208

    def is_ours_at_once(self, body, seal):
        tag = hashlib.blake2b(body, key=self._key)
        text = tag.hexdigest()
        if text != seal:  #! CWE-208
            raise Refused("seal")


class Strict:
    def __init__(self, key):
        self._key = key

    def seal(self, body):
        return hmac.new(self._key, body, hashlib.sha256).hexdigest()

    def take(self, body, seal):
        if not seal:
            raise Refused("no seal")
        if seal:  #! none CWE-347
            if not hmac.compare_digest(self.seal(body), seal):
                raise Refused("seal")

    def take_one_of(self, body, seal, old):
        if seal:  #! none CWE-347
            if not hmac.compare_digest(self.seal(body), seal):
                raise Refused("seal")
        elif not hmac.compare_digest(hashlib.sha256(body).hexdigest(), old):
            raise Refused("digest")

    def is_open(self, body, seal):
        if seal:  #! none CWE-347
            if not hmac.compare_digest(self.seal(body), seal):
                return False
            return True
        return False

    def is_same_file(self, body, known):
        return hashlib.sha256(body).hexdigest() == known  #! none CWE-208

    def is_ours_on_disk(self, body, name):
        with open(name, encoding="ascii") as given:
            seal = given.read().strip()
        return self.seal(body) == seal  #! none CWE-208

    def is_ours(self, body, seal):
        return hmac.compare_digest(self.seal(body), seal)  #! none


def load(path, body, seal, keeper):
    keeper.take(body, seal)
    return ctypes.CDLL(path)
