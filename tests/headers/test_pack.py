"""Every spelling of the pragma for packing: what gcc makes of it, or a refusal where compilers do not agree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.tools import needed

from loadstone.errors import InvalidPrototype
from loadstone.headers import read_text
from loadstone.headers.abi import X86_64
from loadstone.headers.layout import Layouts
from loadstone.headers.types import StructOrUnion

OBEYED = (
    '_Pragma("pack(1)")',
    '_Pragma("pack (2)")',
    '#define P _Pragma("pack(1)")\nP',
    "#define D(x) _Pragma(#x)\nD(pack(2))",
    '_Pragma("pack(push, 1)") _Pragma("pack(pop)")',
    '_Pragma("pack()")',
    "#pragma pack(0x1)",
    "#pragma pack(010)",
    "#pragma pack(0)",
    "# pragma  pack ( 4 )",
    "#pragma pack(1)\n#pragma pack()",
    "#pragma pack(push)\n#pragma pack(1)\n#pragma pack(pop)",
    "#pragma pack(push, 1)\n#pragma pack(push, r, 2)\n#pragma pack(push, 4)\n#pragma pack(pop, r)",
    "#pragma pack(push, r, 1)\n#pragma pack(push, s, 2)\n#pragma pack(pop, s)",
    "#pragma pack(push, r, 1)\n#pragma pack(pop, unknown)",
    "#pragma pack(pop)",
)
REFUSED = (
    "#pragma pack(3)",
    "#pragma pack(08)",
    "#pragma pack(32)",
    "#pragma pack(name)",
    "#pragma pack 1",
    "#pragma pack(1, 2)",
    "#pragma pack(push, 1)\n#pragma pack(pop, 2)",
)
RECORD = "struct x { char a; long b; short c; };"


def test_gcc_and_we_lay_out_the_same(tmp_path: Path) -> None:
    sizes = []
    for number, text in enumerate(OBEYED):
        (tmp_path / f"{number}.c").write_text(f"{text}\n{RECORD}\nunsigned long size{number} = sizeof(struct x);\n")
        found = read_text(f"{text}\n{RECORD}\n", abi=X86_64)
        sizes.append(Layouts(found.records, X86_64, text).size(StructOrUnion("struct", "x")))
    shown = "".join(f"extern unsigned long size{n}; " for n in range(len(OBEYED)))
    prints = "".join(f'printf("%lu ", size{n});' for n in range(len(OBEYED)))
    (tmp_path / "main.c").write_text(f"#include <stdio.h>\n{shown}int main(void) {{ {prints} return 0; }}\n")
    program = str(tmp_path / "program")
    subprocess.run([needed("gcc"), "-w", "-o", program, *map(str, tmp_path.glob("*.c"))], check=True)
    said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert dict(zip(OBEYED, sizes, strict=True)) == dict(zip(OBEYED, map(int, said.split()), strict=True))


@pytest.mark.parametrize("text", REFUSED)
def test_what_compilers_disagree_about_is_refused(text: str) -> None:
    with pytest.raises(InvalidPrototype, match="pack"):
        read_text(f"{text}\n{RECORD}\n", abi=X86_64)
