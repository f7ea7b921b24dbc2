"""What an inventory gives, and the reason when it does not."""

from hypothesis import given
from hypothesis import strategies as st

from kilonova.model.allocation import Inventory

SMALL = st.integers(min_value=0, max_value=40)


@given(
    st.builds(
        Inventory,
        total=SMALL,
        reserved=SMALL,
        allocation_ratio=st.sampled_from([0.5, 1.0, 1.5, 16.0]),
        min_unit=st.integers(1, 8),
        max_unit=st.integers(1, 20),
        step_size=st.integers(1, 4),
    ),
    SMALL,
    SMALL,
)
def test_an_inventory_allows_exactly_what_it_has_no_reason_to_refuse(
    inventory: Inventory, amount: int, used: int
) -> None:
    assert inventory.allows(amount, used) == (inventory.refuses(amount, used) is None)
