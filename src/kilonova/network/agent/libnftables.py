"""nftables by its own library, in this process; the program `nft` where the library is not there. Blocking."""

import ctypes
import functools
from typing import Any

from kilonova.network.agent.commands import run
from kilonova.network.errors import NetworkUnavailable

_LIBRARY = "libnftables.so.1"
# How much of the library's complaint an error shows.
_MOST = 500


def execute(text: str) -> None:
    """Commands as `nft -f` takes them, all or none, in this thread's namespace. Errors: NetworkUnavailable."""
    library = _library()
    if library is None:
        run("nft", "-f", "-", feed=text)
        return
    # A context of its own each time: it belongs to the namespace it is made in, and remembers what others change.
    context = library.nft_ctx_new(0)
    if not context:
        raise NetworkUnavailable("nftables cannot be reached")
    try:
        library.nft_ctx_buffer_output(context)
        library.nft_ctx_buffer_error(context)
        if library.nft_run_cmd_from_buffer(context, text.encode()) != 0:
            said = library.nft_ctx_get_error_buffer(context) or b""
            raise NetworkUnavailable(f"nft failed: {said.decode(errors='replace').strip()[:_MOST]}")
    finally:
        library.nft_ctx_free(context)


@functools.cache
def _library() -> Any:
    """None where it is not installed."""
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    library.nft_ctx_new.argtypes, library.nft_ctx_new.restype = [ctypes.c_uint32], ctypes.c_void_p
    library.nft_ctx_free.argtypes, library.nft_ctx_free.restype = [ctypes.c_void_p], None
    for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    return library
