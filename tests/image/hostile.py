"""Images that want to read other people's files, or are not what they are called."""

import struct
import subprocess
from pathlib import Path

CANARY = "canary-of-the-host"


def qcow2(directory: Path, *options: str, size: str = "16M") -> Path:
    path = directory / f"{len(list(directory.iterdir()))}.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, str(path), size], check=True)
    return path


def corpus(directory: Path) -> dict[str, tuple[str, bytes]]:
    """What each is: the format it is declared as, and its bytes."""
    canary = directory / "canary"
    canary.write_text(CANARY * 1000)
    plain = qcow2(directory).read_bytes()
    backed = qcow2(directory, "-b", str(canary), "-F", "raw").read_bytes()
    data_file = directory / "data.raw"
    external = qcow2(directory, "-o", f"data_file={data_file},data_file_raw=on").read_bytes()
    encrypted = qcow2(directory, "-o", "encrypt.format=aes,encrypt.key-secret=s", "--object", "secret,id=s,data=x")
    internal = qcow2(directory)
    subprocess.run(["qemu-img", "snapshot", "-c", "one", str(internal)], check=True)
    extent = (
        "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n"
        f'createType="monolithicFlat"\nRW 9 FLAT "{canary}" 0\n'
    )
    iso = bytearray(64 * 1024)
    iso[32768:32774] = b"\x01CD001"
    return {
        "backing file": ("qcow2", backed),
        "backing file called raw": ("raw", backed),
        "data file": ("qcow2", external),
        "unknown feature": ("qcow2", plain[:72] + struct.pack(">Q", 1 << 60) + plain[80:]),
        "version 9": ("qcow2", plain[:4] + struct.pack(">I", 9) + plain[8:]),
        "qcow2 called raw": ("raw", plain),
        "raw called qcow2": ("qcow2", b"x" * 100_000),
        "truncated header": ("qcow2", plain[:300]),
        "truncated tables": ("qcow2", plain[:65536]),
        "tables beyond the end": ("qcow2", plain[:40] + struct.pack(">Q", 1 << 40) + plain[48:]),
        "encrypted": ("qcow2", encrypted.read_bytes()),
        "internal snapshot": ("qcow2", internal.read_bytes()),
        "vmdk descriptor": ("vmdk", extent.encode()),
        "vmdk descriptor called raw": ("raw", extent.encode()),
        "qed": ("raw", b"QED\x00" + bytes(1000)),
        "vdi called qcow2": ("qcow2", bytes(64) + struct.pack("<I", 0xBEDA107F) + bytes(600)),
        "luks called raw": ("raw", b"LUKS\xba\xbe\x00\x01" + bytes(4096)),
        "iso called raw": ("raw", bytes(iso)),
        "qcow2 with an iso inside": ("iso", plain[:512] + bytes(iso[512:])),
        "nothing called qcow2": ("qcow2", b""),
    }
