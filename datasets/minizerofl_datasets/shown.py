"""How a data set is shown: a line where Python prints it, a small table in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minizerofl_datasets.federated import FederatedDataset

__all__ = ["one_line", "table"]


def one_line(data: FederatedDataset) -> str:
    """Return what Python prints for a data set.

    Examples
    --------
    >>> from minizerofl_datasets import load
    >>> load("cifar10", source="synthetic", partition="iid", num_clients=5)
    <cifar10, SYNTHETIC data: clients 5, training samples 18,000, test samples 2,000, input 3x32x32, classes 10;
     describe() says more>
    """
    title, facts = _facts(data)
    return f"<{title}: {', '.join(f'{name} {value}' for name, value in facts.items())}; describe() says more>"


def table(data: FederatedDataset) -> str:
    """Return what a notebook shows for a data set: HTML without colours of its own, so that it fits a dark page too.

    Examples
    --------
    >>> from minizerofl_datasets import load
    >>> table(load("femnist", source="synthetic", clients=2))[:84]
    '<table><caption>femnist, SYNTHETIC data</caption><tr><th>clients</th><td>2</td></tr>'
    """
    title, facts = _facts(data)
    facts["origin"] = data.origin
    rows = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items())
    return f"<table><caption>{escape(title)}</caption>{''.join(rows)}</table>"


def _facts(data: FederatedDataset) -> tuple[str, dict[str, str]]:
    """Return a title and what is shown below it, by name."""
    facts = {"clients": f"{len(data.clients):,}"}
    if data.counted:
        facts["training samples"] = f"{sum(map(data.num_train, data.clients)):,}"
        facts["test samples"] = f"{sum(map(data.num_test, data.test_clients)):,}"
    facts["input"] = "x".join(map(str, data.input_shape))
    facts["classes"] = f"{len(data.class_names):,}"
    return f"{data.name}, {'real' if data.source == 'real' else 'SYNTHETIC'} data", facts
