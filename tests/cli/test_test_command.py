"""`test` takes pytest's words as they are."""

import pytest

from kilonova.cli.main import parse


@pytest.mark.parametrize(
    "words",
    [
        ["-k", "name", "tests/api"],
        ["--durations=5"],
        ["-x", "tests/api", "-m", "slow or root", "-n", "0"],
    ],
)
def test_words_of_pytests_are_handed_on_in_their_order(words: list[str]) -> None:
    assert parse(["test", *words]).pytest == words
    assert parse(["test", "--", *words]).pytest == words
    quick = parse(["test", *words, "--quick"])
    assert (quick.pytest, quick.quick) == (words, True)


def test_other_commands_refuse_words_they_do_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(["status", "--durations=5"])

    assert refused.value.code == 2
    assert "--durations=5" in capsys.readouterr().err
