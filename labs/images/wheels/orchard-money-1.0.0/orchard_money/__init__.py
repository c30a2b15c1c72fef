"""Reads the prices that Orchard's shops write: `3.50`, `€ 3,50`, `1.234,00 EUR`."""

import re
from decimal import Decimal

__version__ = "1.0.0"

# Digits in groups, parted by a point, a comma, a space or an apostrophe; spaces only between digits.
_AMOUNT = re.compile(r"-?\d(?:[.,'\u00a0 ]?\d)*")


def parse_price(text: str) -> Decimal:
    """The one amount in a price, whatever its currency sign and decimal mark. Raises ValueError if there is not one.

    The last mark is the decimal mark if one or two digits follow it: `1.234` is a thousand and more, `1.23` is not.
    """
    amounts = _AMOUNT.findall(text)
    if len(amounts) != 1:
        raise ValueError(f"not a price: {text!r}")
    whole, mark, fraction = re.fullmatch(r"(.*?)(?:([.,])(\d{1,2}))?", amounts[0]).groups()
    digits = re.sub(r"[^\d-]", "", whole)
    return Decimal(f"{digits}.{fraction}" if mark else digits)
