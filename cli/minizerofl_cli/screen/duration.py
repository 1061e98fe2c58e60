"""A time as people say it."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Say a time as people do.

    Examples
    --------
    >>> duration(8), duration(185), duration(7260)
    ('8 s', '3 min 05 s', '2 h 01 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def about(seconds: float) -> str:
    """Say about how long something will take, in at most six characters.

    Examples
    --------
    >>> about(8), about(185), about(7260), about(1e6)
    ('8 s', '3 min', '2.0 h', '278 h')
    """
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    if seconds < 59.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 99.5 * 3600 else f"{seconds / 3600:.0f} h"
