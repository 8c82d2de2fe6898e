"""Rows of prices.yaml: what an hour of each instance type costs.  Law: nodes in, frozen records out."""

from __future__ import annotations

from mlcc.core.nodes import Node
from mlcc.core.records import NamedTuple
from mlcc.registries.fields import items, text


class Price(NamedTuple):
    """What an hour of one instance costs."""

    amount: float
    date: str
    region: str
    currency: str
    source: str


def prices_of(root: Node) -> dict[str, Price]:
    """The rows by instance type; a row's own date and source beat the file's."""
    date, region, currency = (text(root, key) for key in ("date", "region", "currency"))
    priced = {}
    for name, node in items(root, "rows"):
        amount = node.get("usd") if node.is_map else node
        assert amount is not None
        day, source = text(node, "date") if node.is_map else "", text(node, "source") if node.is_map else ""
        source = source or text(root, "source")
        priced[name] = Price(float(amount.value), day or date, region, currency, source)
    return priced
