"""How guests go to other hosts as they run; a part of [libvirt]."""

from typing import Annotated, Literal

from kilonova.config.section import Section, about


class LiveMigration(Section, frozen=True):
    live_migration_inbound_addr: Annotated[
        str | None,
        about("The address at which other hosts' libvirt reaches this one's; unset, guests stay on their host."),
    ] = None
    live_migration_scheme: Annotated[
        Literal["tcp", "tls"],
        about("How libvirts speak to one another: tcp on a network of theirs alone, else tls with certificates."),
    ] = "tcp"
    live_migration_uri: Annotated[
        str | None, about("The libvirt of another host, with %s for its address; by the scheme unless set.")
    ] = None
    live_migration_with_native_tls: Annotated[bool, about("QEMU encrypts what it sends, by its certificates.")] = False
    live_migration_bandwidth: Annotated[int, about("The most MiB per second of one move; 0: no limit.", ge=0)] = 0
    live_migration_permit_auto_converge: Annotated[
        bool, about("A guest that writes faster than is sent is slowed down.")
    ] = False
    live_migration_permit_post_copy: Annotated[
        bool, about("A move that is forced to its end sends the memory after the guest, instead of halting it.")
    ] = False
    live_migration_completion_timeout: Annotated[
        int, about("How long a move may take for each GiB of memory and disk; 0: no limit.", ge=0)
    ] = 800
    live_migration_timeout_action: Annotated[
        Literal["abort", "force_complete"], about("What becomes of one that takes longer.")
    ] = "abort"
