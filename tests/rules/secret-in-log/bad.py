import ctypes
import logging

log = logging.getLogger("card")
card = ctypes.CDLL("libcard.so.1")


def enter(slot, pin, passphrase):
    code = card.card_enter(slot, pin)
    log.debug("slot %d, %s: %d", slot, pin, code)  # bad
    if code != 0:
        logging.error(f"cannot unlock with {passphrase!r}")  # bad
    return code


class Account:
    def __init__(self, password):
        self.password = password
        self.logger = log

    def show(self):
        self.logger.info("account with " + self.password.decode())  # bad
