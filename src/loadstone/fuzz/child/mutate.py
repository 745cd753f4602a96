"""Inputs out of inputs: the mutations of coverage-guided fuzzing, in the proportions that found most here.

Byte flips and arithmetic reach neighbours, interesting integers reach limits, dictionary words (constants and strings
of the code under test) pass comparisons, block repetition reaches depth, crossover combines what two inputs reached.
The work runs in the fuzzed child between two calls, so it is plain and allocation-light on purpose. Deterministic for
a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["mutate"]

_INTEGERS: Final = (
    *range(9), 15, 16, 31, 32, 64, 100, 127, 128, 255, 256, 512, 1000, 1024, 4096, 32767, 32768, 65535, 65536,
    0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF,
)  # fmt: skip
"""Limits of the integer types and of usual buffers."""

_BYTES: Final = b"[({<AZaz09 +-=%\xff\0\x7f\x80!\"'\\/,.:;\n"
"""Characters that parsers turn at."""

_WIDTHS: Final = (1, 2, 4, 8)


def mutate(
    random: Callable[[], float], corpus: Sequence[bytes], words: Sequence[bytes], max_size: int, rounds: int = 4
) -> bytes:
    """One new input: an input of the corpus, changed in 1 to 2**(rounds-1) places.

    Args:
        random: uniform numbers in [0, 1), as ``random.Random(seed).random``.
        corpus: the inputs to start from; not empty. Later ones, which reached something newer, are preferred.
        words: the dictionary, perhaps empty.
        max_size: of the result, in bytes.
        rounds: how far changes may be piled up.
    """
    count = len(corpus)
    pick = random()
    data = bytearray(corpus[int((1 - pick * pick) * count) if random() < 0.5 else int(random() * count)])
    for _ in range(1 << int(random() * rounds)):
        size = len(data)
        kind = int(random() * 11) if size else 0
        if kind == 0:  # insert a run of one byte
            at = int(random() * (size + 1))
            data[at:at] = bytes((int(random() * 256),)) * (1 << int(random() * 4))
        elif kind == 1:  # flip a bit
            data[int(random() * size)] ^= 1 << int(random() * 8)
        elif kind == 2:  # any byte
            data[int(random() * size)] = int(random() * 256)
        elif kind == 3:  # a little more or less
            at = int(random() * size)
            data[at] = (data[at] + int(random() * 35) - 17) & 255
        elif kind == 4:  # delete a piece
            at = int(random() * size)
            del data[at : at + 1 + int(random() * min(8, size))]
        elif kind == 5:  # repeat a block, now and then many times
            at, to = int(random() * size), int(random() * size)
            block = data[at : at + 1 + int(random() * 16)]
            data[to:to] = block * (1 if random() < 0.9 else 1 << int(random() * 11))
        elif kind == 6 and words:  # a dictionary word, over or between
            word = words[int(random() * len(words))]
            at = int(random() * (size + 1))
            data[at : at + (len(word) if random() < 0.5 else 0)] = word
        elif kind == 7:  # an interesting integer, in either byte order or in digits
            width = _WIDTHS[int(random() * 4)]
            number = _INTEGERS[int(random() * len(_INTEGERS))] & ((1 << 8 * width) - 1)
            at = int(random() * size)
            form = random()
            if form < 0.2:  # in digits, over one byte
                data[at : at + 1] = b"%d" % (number if form < 0.1 else -number)
            else:
                data[at : at + width] = number.to_bytes(width, "little" if form < 0.6 else "big")
        elif kind == 8:  # crossover
            other = corpus[int(random() * count)]
            data[int(random() * size) :] = other[int(random() * (len(other) + 1)) :]
        elif kind == 9:  # a character parsers turn at
            data[int(random() * size)] = _BYTES[int(random() * len(_BYTES))]
        else:  # the length of the whole or of the rest, somewhere
            width = _WIDTHS[int(random() * 3)]
            at = int(random() * size)
            length = (size if random() < 0.5 else size - at - width) & ((1 << 8 * width) - 1)
            data[at : at + width] = length.to_bytes(width, "little" if random() < 0.5 else "big")
    return bytes(data) if len(data) <= max_size else bytes(data[:max_size])
