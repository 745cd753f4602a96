import asyncio
import ctypes
import threading

ARRIVED = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)
radio = ctypes.CDLL("libradio.so.1")


class Radio:
    def __init__(self, loop):
        self.loop = loop
        self.frames = asyncio.Queue()
        self.done = threading.Event()
        self.ready = asyncio.Event()
        self.tasks = set()
        self.hook = ARRIVED(self.arrived)

    def arrived(self, data, size):
        frame = ctypes.string_at(data, size)
        self.loop.call_soon_threadsafe(self.frames.put_nowait, frame)
        self.loop.call_soon_threadsafe(self.tuned)
        self.done.set()

    def tuned(self):
        self.ready.set()

    async def tune(self):
        await asyncio.to_thread(radio.radio_tune, 1)
        self.ready.set()

    async def listen(self):
        task = asyncio.create_task(self.tune())
        self.tasks.add(task)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.tune())
        return await asyncio.create_task(self.frames.get())
