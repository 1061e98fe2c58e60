"""Registries: what has a name, and where it is found; a class is imported when it is used."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from minizerofl.usercode import describe

T = TypeVar("T")
Complaint = Callable[[Any], str]  # says what is wrong with an object, or nothing


class ChoiceError(ValueError):
    """A name that is unknown, or a class of the user's own that cannot be used."""


class Registry(MutableMapping[str, T], Generic[T]):
    """A dictionary of classes or functions that are imported when they are used.

    Names, ``in`` and iteration import nothing. Besides its own names a registry finds whatever Python can import:
    ``registry["package.module:Class"]``. The current directory is searched too, so that a file of a user's own needs
    no installation.

    Parameters
    ----------
    what : str
        What is registered, for error messages.
    places : mapping of str to str
        Names, and where each is defined: "package.module:Class".
    complaint : callable
        Says what is wrong with a user's own object; an empty string if it can be used.

    Examples
    --------
    >>> counters = Registry("counter", {"plain": "collections:Counter"}, subclass_of("builtins:dict"))
    >>> list(counters), counters["plain"].__name__, counters["collections:OrderedDict"].__name__
    (['plain'], 'Counter', 'OrderedDict')
    >>> counters["mine"] = dict
    >>> counters.check("pla")
    Traceback (most recent call last):
        ...
    minizerofl.registry.ChoiceError: counter 'pla' is unknown; did you mean 'plain'? Known: plain, mine, or MODULE:NAME
    >>> counters.check("collections:deque")
    Traceback (most recent call last):
        ...
    minizerofl.registry.ChoiceError: counter 'collections:deque' is not a subclass of builtins.dict
    """

    def __init__(self, what: str, places: Mapping[str, str], complaint: Complaint) -> None:
        self._what = what
        self._entries: dict[str, str | T] = dict(places)
        self._complaint = complaint

    def __getitem__(self, name: str) -> T:
        if ":" in name and name not in self._entries:
            return self._find(name)
        entry = self._entries[name]
        return cast(T, _load(entry)) if isinstance(entry, str) else entry

    def __setitem__(self, name: str, entry: T) -> None:
        self._entries[name] = entry

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def check(self, name: str) -> None:
        """Make sure that there is something of that name; only a user's own object is imported for it.

        Raises
        ------
        ChoiceError
            The name is unknown, or "package.module:Name" cannot be imported or is not what is expected.
        """
        if name not in self._entries:
            self._find(name)

    def _find(self, place: str) -> T:
        """Import a user's own object."""
        module, colon, name = place.partition(":")
        if not (module and colon and name):
            raise ChoiceError(f"{self._what} {unknown(place, self)}, or MODULE:NAME")
        try:
            found = _load(place, str(Path.cwd()))
        except AttributeError as error:
            near = hint(name, vars(sys.modules[module])) if module in sys.modules else ""
            raise ChoiceError(f"{self._what} {place!r} cannot be used: {error}{near}") from error
        except Exception as error:  # whatever the code of a user's module raises
            where = ""
            if module not in sys.modules:
                where = (
                    f"; it was looked for in {Path.cwd()} and among installed packages: start in the folder of "
                    f"{module.partition('.')[0]}.py, or install it"
                )
            raise ChoiceError(f"{self._what} {place!r} cannot be imported ({describe(error)}){where}") from error
        self.accept(place, found)
        return cast(T, found)

    def accept(self, name: str, found: object) -> None:
        """Make sure that an object of the user's own can be used.

        Raises
        ------
        ChoiceError
            It is not what is expected.
        """
        problem = self._complaint(found)
        if problem:
            raise ChoiceError(f"{self._what} {name!r} {problem}")

    def name_of(self, found: object) -> str:
        """Return the name under which an object is found here, or "package.module:Name", where Python can import it.

        A part in angle brackets cannot be imported: a lambda, or what was made inside a function.

        Examples
        --------
        >>> import collections
        >>> counters = Registry("counter", {"plain": "collections:Counter"}, subclass_of("builtins:dict"))
        >>> counters.name_of(collections.Counter), counters.name_of(collections.OrderedDict)
        ('plain', 'collections:OrderedDict')
        """
        module = getattr(found, "__module__", type(found).__module__)
        name = getattr(found, "__qualname__", f"<{type(found).__qualname__}>")
        place = f"{module}:{name}"
        known = next((key for key, entry in self._entries.items() if entry is found or entry == place), None)
        if known is None and "<" not in name and getattr(sys.modules.get(module), name, None) is not found:
            return f"{module}:<{name}>"
        return known or place


def _load(place: str, folder: str | None = None) -> Any:
    """Import an object; its module may also be in a folder, which is on Python's path during the import only."""
    module, _, name = place.partition(":")
    if folder is None:
        return getattr(import_module(module), name)
    sys.path.insert(0, folder)
    try:
        return getattr(import_module(module), name)
    finally:
        sys.path.remove(folder)


def subclass_of(place: str) -> Complaint:
    """Return the check of a registry of classes: an object must be a subclass of "package.module:Class"."""

    def complaint(found: Any) -> str:
        base = _load(place)
        if not (isinstance(found, type) and issubclass(found, base)):
            return f"is not a subclass of {place.replace(':', '.')}"
        missing = sorted(getattr(found, "__abstractmethods__", ()))
        return f"lacks the method {missing[0]}" if missing else ""

    return complaint


def takes(*arguments: str) -> Complaint:
    """Return the check of a registry of functions: an object must have parameters of these names.

    Examples
    --------
    >>> takes("path", "seed")(open)
    "is not a function or class with the parameters 'path' and 'seed'"
    """

    def complaint(found: Any) -> str:
        try:
            fits = set(arguments) <= set(inspect.signature(found).parameters)
        except (TypeError, ValueError):
            fits = False
        if fits:
            return ""
        return f"is not a function or class with the parameters {' and '.join(map(repr, arguments))}"

    return complaint


def has(*attributes: str) -> Complaint:
    """Return the check of a registry of objects: an object must have attributes of these names.

    Examples
    --------
    >>> has("real", "size")(1.5)
    "has no attribute 'size'"
    """

    def complaint(found: Any) -> str:
        missing = [name for name in attributes if not hasattr(found, name)]
        return f"has no attribute {missing[0]!r}" if missing else ""

    return complaint


def hint(name: str, known: Collection[str]) -> str:
    """Return the nearest of the known names as a question that goes on with a sentence; empty if none is near.

    Examples
    --------
    >>> hint("fedadm", ["fedavg", "fedadam"])
    "; did you mean 'fedadam'?"
    """
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1, cutoff=0.4)
    return f"; did you mean {near[0]!r}?" if near else ""


def unknown(name: str, known: Collection[str]) -> str:
    """Say that a name is unknown, which one is near, and which there are.

    Examples
    --------
    >>> unknown("rise", ["csr", "rice"])
    "'rise' is unknown; did you mean 'rice'? Known: csr, rice"
    """
    near = hint(name, known)
    return f"{name!r} is unknown{near or '.'} Known: {', '.join(known)}"
