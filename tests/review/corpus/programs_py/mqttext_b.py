"""Broker extension host: an extension is chosen by a message."""
import ctypes
import json
import logging
import re

import paho.mqtt.client as mqtt

log = logging.getLogger("ext")
ROOT = "/usr/lib/broker-ext/"
NAME = re.compile(r"^[a-z0-9-]{1,40}$")


class Host:
    def __init__(self):
        self._loaded = {}

    def load(self, name):
        lib = ctypes.CDLL(ROOT + name + ".so")
        lib.ext_call.argtypes = [ctypes.c_char_p]
        lib.ext_call.restype = ctypes.c_int
        self._loaded[name] = lib
        return lib

    def on_message(self, client, userdata, message):
        try:
            request = json.loads(message.payload)
            name = request["extension"]
            if not NAME.match(name):
                log.warning("refused %r", name)
                return
            lib = self._loaded.get(name) or self.load(name)
            status = lib.ext_call(request.get("argument", "").encode())
            log.info("%s: %d", name, status)
        except (ValueError, KeyError, OSError) as exc:
            log.error("%s: %s", message.topic, exc)


def main():
    host = Host()
    client = mqtt.Client()
    client.on_message = host.on_message
    client.connect("localhost")
    client.subscribe("ext/call")
    client.loop_forever()
