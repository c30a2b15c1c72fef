"""Reads, cleans and counts Orchard's orders."""

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from orchard_money import parse_price

__version__ = "1.1.0"


@dataclass(frozen=True)
class Order:
    """One line of a shop's export."""

    number: int
    shop: str
    product: str
    price: Decimal


def read_orders(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """The rows of a CSV export with the columns order, shop, product, price."""
    yield from csv.DictReader(lines)


def clean(rows: Iterable[dict[str, str]]) -> Iterator[Order]:
    """The rows that are orders; lines without a number or a price are left out."""
    for row in rows:
        try:
            yield Order(int(row["order"]), row["shop"].strip(), row["product"].strip().lower(), parse_price(row["price"]))
        except (KeyError, TypeError, ValueError):
            continue


def total(orders: Iterable[Order]) -> Decimal:
    """What the orders come to."""
    return sum((order.price for order in orders), Decimal(0))


def total_by_shop(orders: Iterable[Order]) -> dict[str, Decimal]:
    """What the orders of each shop come to, the shops in the order of their first order."""
    totals: dict[str, Decimal] = {}
    for order in orders:
        totals[order.shop] = totals.get(order.shop, Decimal(0)) + order.price
    return totals


def main() -> None:
    """Counts the orders of the file named on the command line, and those of each shop."""
    if len(sys.argv) != 2:
        sys.exit("usage: orchard-etl FILE.csv")
    with open(sys.argv[1], newline="") as file:
        orders = list(clean(read_orders(file)))
    print(f"{len(orders)} orders, {total(orders)} in all (orchard-etl {__version__})")
    for shop, amount in total_by_shop(orders).items():
        print(f"  {shop}: {amount}")
