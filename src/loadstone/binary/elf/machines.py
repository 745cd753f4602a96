"""Processors: their names, and the relocation numbers that say how a symbol is needed.

Sources: System V gABI "e_machine"; the processor supplements (psABI) of each for relocation numbers; glibc's elf.h;
binutils include/elf/common.h for numbers without an official owner.
"""

from __future__ import annotations

from typing import Final

from loadstone.core.image import Machine
from loadstone.quick_dataclass import dataclass

__all__ = ["Relocations", "machine", "relocations"]

_X86_64: Final = 62

_NUMBERED: Final = """
0 no machine; 1 we32100; 2 sparc; 3 i386; 4 m68k; 5 m88k; 6 i486 (IAMCU); 7 i860; 8 mips; 9 s370; 10
mips-rs3000-le; 11 sparcv9 (old); 15 parisc; 17 vpp500; 18 sparc32plus; 19 i960; 20 ppc; 21 ppc64; 22 s390; 23
spu; 36 v800; 37 fr20; 38 rh32; 39 rce; 40 arm; 41 alpha (fake); 42 sh; 43 sparcv9; 44 tricore; 45 arc (old); 46
h8-300; 47 h8-300h; 48 h8s; 49 h8-500; 50 ia64; 51 mips-x; 52 coldfire; 53 68hc12; 54 mma; 55 pcp; 56 ncpu; 57
ndr1; 58 starcore; 59 me16; 60 st100; 61 tinyj; 62 x86-64; 63 pdsp; 64 pdp10; 65 pdp11; 66 fx66; 67 st9plus; 68
st7; 69 68hc16; 70 68hc11; 71 68hc08; 72 68hc05; 73 svx; 74 st19; 75 vax; 76 cris; 77 javelin; 78 firepath; 79
zsp; 80 mmix; 81 huany; 82 prism; 83 avr; 84 fr30; 85 d10v; 86 d30v; 87 v850; 88 m32r; 89 mn10300; 90 mn10200; 91
pj; 92 openrisc; 93 arc-compact; 94 xtensa; 95 videocore; 96 tmm-gpp; 97 ns32k; 98 tpc; 99 snp1k; 100 st200; 101
ip2k; 102 max; 103 cr; 104 f2mc16; 105 msp430; 106 blackfin; 107 se-c33; 108 sep; 109 arca; 110 unicore; 111
excess; 112 dxp; 113 nios2; 114 crx; 115 xgate; 116 c166; 117 m16c; 118 dspic30f; 119 ce; 120 m32c; 131 tsk3000;
132 rs08; 134 ecog2; 135 score7; 136 dsp24; 137 videocore3; 138 latticemico32; 139 se-c17; 140 ti-c6000; 141
ti-c2000; 142 ti-c5500; 144 ti-pru; 160 mmdsp-plus; 161 cypress-m8c; 162 r32c; 163 trimedia; 164 hexagon; 165
8051; 166 stxp7x; 167 nds32; 168 ecog1x; 169 maxq30; 170 ximo16; 171 manik; 172 craynv2; 173 rx; 174 metag; 175
mcst-elbrus; 176 ecog16; 177 cr16; 178 etpu; 179 sle9x; 180 l10m (xeon phi); 181 k10m (xeon phi); 182 intel 182;
183 aarch64; 184 arm 184; 185 avr32; 186 stm8; 187 tile64; 188 tilepro; 189 microblaze; 190 cuda; 191 tilegx; 192
cloudshield; 193 corea-1st; 194 corea-2nd; 195 arc; 196 open8; 197 rl78; 198 videocore5; 199 78kor; 200 56800ex;
201 ba1; 202 ba2; 203 xcore; 204 mchp-pic; 205 intelgt; 210 km32; 211 kmx32; 212 emx16; 213 emx8; 214 kvarc; 215
cdp; 216 coge; 217 cool; 218 norc; 219 csr-kalimba; 220 z80; 221 visium; 222 ft32; 223 moxie; 224 amdgpu; 243
riscv; 244 lanai; 245 ceva; 246 ceva-x2; 247 bpf; 248 graphcore-ipu; 249 img1; 250 nfp; 251 ve; 252 csky; 253
arcv2.3-64; 254 mos6502; 255 arcv2.3-32; 256 kvx; 257 65816; 258 loongarch; 259 kf32; 4183 avr; 4643 epiphany; 9520 mt;
13104 fr30; 16727 webassembly; 18056 xc16x; 19951 s12z; 21569 frv; 23205 dlx; 30288 d10v; 30326 d30v; 33303 ip2k;
36902 alpha; 36929 m32r; 36992 v850; 41872 s390; 43975 xtensa; 44357 xstormy16; 47787 microblaze; 48879 mn10300;
57005 mn10200; 61453 mep; 65200 nios; 65210 iq2000; 65211 nios
"""
"""Every number GNU readelf has a name for, the unofficial ones too, with the usual short name of the processor."""

_NAMES: Final = {int(code): name for code, name in (row.split(maxsplit=1) for row in _NUMBERED.split(";"))}


@dataclass(frozen=True, slots=True)
class Relocations:
    """The numbers of one processor; an empty set where it has no such relocation or none is known."""

    relative: frozenset[int] = frozenset()
    jump_slot: frozenset[int] = frozenset()
    copy: frozenset[int] = frozenset()
    irelative: frozenset[int] = frozenset()
    tls_offset: frozenset[int] = frozenset()  # initial-exec thread-local storage


def _numbers(relative: int, jump_slot: int, copy: int, irelative: int | None, *tls_offset: int) -> Relocations:
    indirect = frozenset() if irelative is None else frozenset({irelative})
    return Relocations(
        frozenset({relative}), frozenset({jump_slot}), frozenset({copy}), indirect, frozenset(tls_offset)
    )


_SPARC: Final = _numbers(22, 21, 19, 249, 78, 79)
_NONE: Final = Relocations()

_RELOCATIONS: Final = {
    2: _SPARC,
    3: _numbers(8, 7, 5, 42, 14, 37),
    4: _numbers(22, 21, 19, None, 42),
    8: _numbers(3, 127, 126, None, 47, 48),
    18: _SPARC,
    20: _numbers(22, 21, 19, 248, 73),
    21: _numbers(22, 21, 19, 248, 73),
    22: _numbers(12, 11, 9, 61, 56),
    40: _numbers(23, 22, 20, 160, 19),
    43: _SPARC,
    _X86_64: _numbers(8, 7, 5, 37, 18, 23),
    183: _numbers(1027, 1026, 1024, 1032, 1030),
    243: _numbers(3, 5, 4, 58, 10, 11),
    258: _numbers(3, 5, 4, 12, 10, 11),
}


def machine(code: int, bits: int) -> Machine:
    """The processor of that ``e_machine``; x86-64 code in a 32-bit file is the x32 interface.

    >>> machine(62, 64).name
    'x86-64'
    >>> machine(0xFFFF, 64).name
    'machine 65535'
    """
    if code == _X86_64 and bits == 32:
        return Machine(code, "x32")
    return Machine(code, _NAMES.get(code, f"machine {code}"))


def relocations(code: int) -> Relocations:
    """What the relocation numbers of that ``e_machine`` mean."""
    return _RELOCATIONS.get(code, _NONE)
