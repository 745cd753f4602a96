import asyncio
import ctypes
import threading

ARRIVED = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)
radio = ctypes.CDLL("libradio.so.1")


class Radio:
    def __init__(self):
        self.frames = asyncio.Queue()
        self.ready = asyncio.Event()
        self.hook = ARRIVED(self.arrived)

    def arrived(self, data, size):
        self.frames.put_nowait(ctypes.string_at(data, size))  # bad

    def start(self):
        threading.Thread(target=self.warm).start()

    def warm(self):
        radio.radio_tune(1)
        self.tuned()

    def tuned(self):
        self.ready.set()  # bad

    async def listen(self):
        asyncio.create_task(self.log())  # bad
        await self.ready.wait()
        return await self.frames.get()

    async def log(self):
        asyncio.ensure_future(self.frames.get())  # bad
