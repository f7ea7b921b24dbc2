"""What an agent remembers across its own death."""

from pathlib import Path

from kilonova.compute.journal import KEEP_S, Journal


def test_orders_of_older_epochs_are_refused_even_after_a_restart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    assert journal.admit("saga", 3, 0.0)
    assert journal.admit("saga", 3, 0.0)
    assert not journal.admit("saga", 2, 0.0)
    journal.close()

    again = Journal(tmp_path / "journal.db")
    assert not again.admit("saga", 2, 0.0)
    assert again.admit("saga", 4, 0.0)
    assert again.admit("other", 1, 0.0)
    again.close()


def test_what_nobody_can_send_any_more_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.admit("old", 5, 0.0)
    journal.admit("young", 5, KEEP_S)

    journal.prune(KEEP_S + 1)

    assert journal.admit("old", 1, KEEP_S)
    assert not journal.admit("young", 1, KEEP_S)
    journal.close()
