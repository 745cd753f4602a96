import ctypes
import logging

log = logging.getLogger("card")
card = ctypes.CDLL("libcard.so.1")


def enter(slot, pin, spin):
    code = card.card_enter(slot, pin)
    log.debug("slot %d, %d characters: %d", slot, len(pin), code)
    log.info("pin of slot %d is %s", slot, "wrong" if code else "right")
    log.info("gpio %d spins %d", slot, spin)
    if code != 0:
        log.warning("pin is %s", bool(pin))
    return code


def ask(dialog, password):
    dialog.warning(password)
    print(card.card_enter(0, password))
