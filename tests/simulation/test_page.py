"""The page of a run: whole in itself, well formed, with the run's figures."""

import re
from xml.etree import ElementTree

import pytest

from kilonova.simulation import svg
from kilonova.simulation.page import page
from kilonova.simulation.run import simulate
from tests.simulation.fleets import small

TROUBLED = "arrivals: {per_hour: 120}\nmaintenance:\n  - {at: 1d, racks: [a-r1], for: 2h}\n"


@pytest.mark.parametrize("more", ["", TROUBLED, "run: {servers: 1}\n", "run: {for: 1m}\n"])
def test_every_picture_is_well_formed_and_within_its_frame(more: str) -> None:
    pictures = re.findall(r"<svg.*?</svg>", page(simulate(small(more))), re.DOTALL)

    assert len(pictures) == 7
    for text in pictures:
        picture = ElementTree.fromstring(text)
        width, height = (float(number) for number in picture.attrib["viewBox"].split()[2:])
        for bar in picture.iter("rect"):
            x, y, wide, high = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
            assert 0 <= x <= x + wide <= width + 1
            assert 0 <= y <= y + high <= height + 1
        assert "nan" not in text


def test_it_needs_no_other_file_and_holds_what_the_run_found() -> None:
    result = simulate(small(TROUBLED))
    text = page(result)

    assert re.search(r"(src|href)=|@import|url\(|https?:", text) is None
    assert f"{result.requested:,}" in text
    assert result.refused > 0
    assert all(one.reason in text for one in result.refusals)


def test_names_from_the_fleet_file_are_text_not_markup() -> None:
    text = page(simulate(small("name: <script>alert(1)</script>\n")))

    assert "<script>" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("most", [0.0, 0.5, 1.0, 3.0, 7.0, 12.0, 99.0, 1234.0, 1e6])
def test_axes_end_at_a_round_number_at_or_above_the_most(most: float) -> None:
    top = svg.top_of(most)

    assert top >= most
    assert len(svg._ticks(top)) <= 7
    assert svg._ticks(top)[-1] == pytest.approx(top)
