"""The smallest guest there is: a boot sector that writes a marker to the first serial port and halts.

For tests that need a guest to run but nothing in it: under QEMU's TCG it is up in about 0.3 s with 16 MiB of memory
(2 MiB is the least SeaBIOS takes).
"""

_LOADED_AT = 0x7C00
_SECTOR = 512
_COM1 = 0x3F8

# cli; xor ax,ax; mov ds,ax; mov si,MESSAGE; mov dx,COM1; next: lodsb; test al,al; jz halt; out dx,al; jmp next;
# halt: hlt; jmp halt
_CODE_LENGTH = 0x16


def boot_sector(marker: str = "BOOTED", *, size_mib: int = 1) -> bytes:
    """A raw disk of `size_mib` MiB that says `marker` (ASCII, at most 480 characters) and a line end on COM1, once.

    Errors: ValueError when the marker does not fit the sector.
    """
    message = marker.encode("ascii") + b"\r\n\0"
    code = (
        b"\xfa\x31\xc0\x8e\xd8"
        + b"\xbe"
        + (_LOADED_AT + _CODE_LENGTH).to_bytes(2, "little")
        + b"\xba"
        + _COM1.to_bytes(2, "little")
        + b"\xac\x84\xc0\x74\x03\xee\xeb\xf8"
        + b"\xf4\xeb\xfd"
    )
    sector = code + message
    if len(sector) > _SECTOR - 2:
        raise ValueError(f"a marker of {len(marker)} characters does not fit a boot sector")
    return (sector.ljust(_SECTOR - 2, b"\0") + b"\x55\xaa").ljust(size_mib << 20, b"\0")
