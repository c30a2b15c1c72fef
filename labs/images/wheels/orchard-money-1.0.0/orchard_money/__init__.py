"""Reads the prices that Orchard's shops write: `3.50`, `€ 3,50`, `1.234,00 EUR`."""

import re
from decimal import Decimal

__version__ = "1.0.0"


def parse_price(text: str) -> Decimal:
    """The amount in a price, whatever its currency sign and decimal mark. Raises ValueError if there is none."""
    digits = re.sub(r"[^0-9.,-]", "", text)
    if not re.search(r"\d", digits):
        raise ValueError(f"no amount in {text!r}")
    mark = max(digits.rfind("."), digits.rfind(","))
    if mark >= 0 and len(digits) - mark <= 3:
        whole = re.sub(r"[.,]", "", digits[:mark])
        return Decimal(f"{whole or '0'}.{digits[mark + 1:] or '0'}")
    return Decimal(re.sub(r"[.,]", "", digits))
