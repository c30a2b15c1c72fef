"""Reads the orders that belong to the job itself."""

from collections.abc import Iterator
from pathlib import Path

from orchard_etl import Order, clean, read_orders

ORDERS = Path(__file__).parent.parent / "orders.csv"


def extract() -> Iterator[Order]:
    """The orders of the file, without the lines that are none."""
    with ORDERS.open(newline="") as file:
        yield from clean(read_orders(file))
