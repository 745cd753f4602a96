"""The numbers in records of the system's headers that describe libraries: ELF's, PE's and Mach-O's, with their types.

Sources: elf(5), the PE Format page of Microsoft Learn, ``mach-o/loader.h``.
"""

from __future__ import annotations

from typing import Final

__all__ = ["SYSTEM_RECORDS"]


def _row(half: str = "", word: str = "", wide: str = "", **records: str) -> dict[str, str]:
    """Names of members by width: 16, 32 and 64 bits, and members that are records themselves."""
    found = dict.fromkeys(half.split(), "uint16_t") | dict.fromkeys(word.split(), "uint32_t")
    return found | dict.fromkeys(wide.split(), "uint64_t") | records


_EHDR: Final = "e_type e_machine e_ehsize e_phentsize e_phnum e_shentsize e_shnum e_shstrndx"
_NOTE: Final = _row(word="n_namesz n_descsz n_type")
_SEGMENT: Final = "cmd cmdsize maxprot initprot nsects flags"

_RECORDS: Final[dict[str, dict[str, str]]] = {
    "Elf64_Ehdr": _row(_EHDR, "e_version e_flags", "e_entry e_phoff e_shoff"),
    "Elf32_Ehdr": _row(_EHDR, "e_version e_flags e_entry e_phoff e_shoff"),
    "Elf64_Shdr": _row(
        "", "sh_name sh_type sh_link sh_info", "sh_flags sh_addr sh_offset sh_size sh_addralign sh_entsize"
    ),
    "Elf32_Shdr": _row(
        "", "sh_name sh_type sh_link sh_info sh_flags sh_addr sh_offset sh_size sh_addralign sh_entsize"
    ),
    "Elf64_Phdr": _row("", "p_type p_flags", "p_offset p_vaddr p_paddr p_filesz p_memsz p_align"),
    "Elf32_Phdr": _row("", "p_type p_flags p_offset p_vaddr p_paddr p_filesz p_memsz p_align"),
    "Elf64_Sym": _row("st_shndx", "st_name", "st_value st_size"),
    "Elf32_Sym": _row("st_shndx", "st_name st_value st_size"),
    "Elf64_Nhdr": _NOTE,
    "Elf32_Nhdr": _NOTE,
    "Elf64_Dyn": _row("", "", "d_tag", d_un="Elf64_Dyn_un"),
    "Elf64_Dyn_un": _row("", "", "d_val d_ptr"),
    "Elf32_Dyn": _row("", "d_tag", d_un="Elf32_Dyn_un"),
    "Elf32_Dyn_un": _row("", "d_val d_ptr"),
    "IMAGE_DOS_HEADER": _row("e_magic", e_lfanew="LONG"),
    "IMAGE_FILE_HEADER": _row(
        "Machine NumberOfSections SizeOfOptionalHeader Characteristics",
        "TimeDateStamp PointerToSymbolTable NumberOfSymbols",
    ),
    "IMAGE_SECTION_HEADER": _row("", "VirtualAddress SizeOfRawData PointerToRawData PointerToRelocations"),
    "IMAGE_EXPORT_DIRECTORY": _row(
        "", "Name Base NumberOfFunctions NumberOfNames AddressOfFunctions AddressOfNames AddressOfNameOrdinals"
    ),
    "IMAGE_IMPORT_DESCRIPTOR": _row("", "OriginalFirstThunk TimeDateStamp ForwarderChain Name FirstThunk"),
    "IMAGE_BASE_RELOCATION": _row("", "VirtualAddress SizeOfBlock"),
    "IMAGE_DATA_DIRECTORY": _row("", "VirtualAddress Size"),
    "mach_header_64": _row("", "magic cputype cpusubtype filetype ncmds sizeofcmds flags"),
    "mach_header": _row("", "magic cputype cpusubtype filetype ncmds sizeofcmds flags"),
    "load_command": _row("", "cmd cmdsize"),
    "segment_command_64": _row("", _SEGMENT, "vmaddr vmsize fileoff filesize"),
    "segment_command": _row("", f"{_SEGMENT} vmaddr vmsize fileoff filesize"),
    "symtab_command": _row("", "cmd cmdsize symoff nsyms stroff strsize"),
    "fat_header": _row("", "magic nfat_arch"),
    "fat_arch": _row("", "cputype cpusubtype offset size align"),
}

SYSTEM_RECORDS: Final[dict[str, dict[str, str]]] = _RECORDS | {
    f"ElfW({name.removeprefix('Elf64_')})": members for name, members in _RECORDS.items() if name.startswith("Elf64_")
}
"""By name of the record: its members that are numbers of whoever wrote the file."""
