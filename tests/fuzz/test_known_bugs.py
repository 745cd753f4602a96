"""Old versions of real libraries, as packages ship them: what others found with source and sanitizers is found again.

c-blosc2 2.6.1 (wheel of blosc2 2.0.0) reads through NULL in its zfp and ndlz decoders (CVE-2023-37185 to 37188);
stb_image of Debian 12 reads through NULL when it converts a broken PIC file (CVE-2023-43898). Minutes of searching, so
only at full scale.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.scale import FULL
from tests.wheels import CACHE, members, wheel

from loadstone.fuzz import fuzz

pytestmark = pytest.mark.skipif(not FULL, reason="LOADSTONE_TEST_SCALE=full looks for known bugs in real libraries")

NULL_PAGE = 4096
DECOMPRESS = """
[[call]]
function = "void blosc2_init(void)"
[[call]]
function = "int blosc2_decompress(const void *src, int32_t srcsize, void *dest, int32_t destsize)"
roles = { dest = "out:4096" }
[[call]]
function = "void blosc2_destroy(void)"
"""
SEED = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.blosc2_init()
data = bytes(range(64)) * 4 + bytes(100)
out = ctypes.create_string_buffer(2000)
size = library.blosc2_compress(5, 1, 4, data, len(data), out, 2000)
sys.stdout.buffer.write(out.raw[:size])
"""
AGAIN = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.blosc2_init()
data = open(sys.argv[2], "rb").read()
print(library.blosc2_decompress(data, len(data), ctypes.create_string_buffer(4096), 4096))
"""
PLUGIN_CODECS = (32, 33, 34, 35)  # ndlz, and zfp by accuracy, precision, rate: ids of c-blosc2's own plugins


def libblosc2(version: str, folder: Path) -> Path:
    path = folder / f"libblosc2-{version}.so"
    found = dict(members(wheel("blosc2", version, "manylinux_2_17_x86_64"), "libblosc2.so.2"))
    path.write_bytes(next(iter(found.values())))
    return path


def test_null_pointers_of_c_blosc2_are_found_and_gone_in_the_mended_version(tmp_path: Path) -> None:
    old, mended = libblosc2("2.0.0", tmp_path), libblosc2("2.2.8", tmp_path)
    chunk = bytearray(subprocess.run([sys.executable, "-c", SEED, str(old)], capture_output=True, check=True).stdout)
    seeds = []
    for codec in PLUGIN_CODECS:
        chunk[2], chunk[22] = chunk[2] & 0x1F | 6 << 5, codec
        seeds.append(bytes(chunk))
    (tmp_path / "calls.toml").write_text(DECOMPRESS)
    report = fuzz(old, sequence=str(tmp_path / "calls.toml"), seeds=seeds, time_s=60, seed=1, out=str(tmp_path / "out"))
    through_null = [found for found in report.findings if 0 < found.fault_address < NULL_PAGE and not found.guard]
    assert through_null
    for found in through_null:
        again = [sys.executable, "-c", AGAIN, str(mended), f"{found.folder}/input"]
        assert int(subprocess.run(again, capture_output=True, text=True, check=True).stdout) < 0


def libstb() -> Path:
    folder = CACHE / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    found = next(folder.rglob("libstb.so.0"), None)
    if found is None:
        subprocess.run(["apt-get", "download", "-qq", "libstb0"], cwd=folder, capture_output=True, check=False)
        for package in folder.glob("libstb0_*git20220908*.deb"):
            subprocess.run(["dpkg", "-x", package, folder / "libstb0"], check=True)
        found = next(folder.rglob("libstb.so.0"), None)
    if found is None:
        pytest.skip("this machine's packages have no libstb0 of September 2022")
    return found


def test_the_null_pointer_of_stb_image_is_found() -> None:
    prototype = (
        "unsigned char *stbi_load_from_memory(const uint8_t *data, int len, int *x, int *y, int *comp, int want)"
    )
    head = b"\x53\x80\xf6\x34" + bytes(84) + b"PICT"
    size = (2).to_bytes(2, "big") * 2 + bytes(8)
    seed = head + size + bytes((0, 8, 2, 0x70)) + b"\x81abc" * 4
    report = fuzz(libstb(), prototype, roles={"want": "const:0"}, seeds=[seed], time_s=60, seed=1)
    assert any(found.fault_address == 0 and found.kind == "SIGSEGV" for found in report.findings)
