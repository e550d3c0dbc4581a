"""Pure: numbers with their units, as reasons, causes and alerts have them."""

SECOND = 999.5  # milliseconds: from there on a time is given in seconds, as it would be rounded to 1,000


def number(value: float, beside: float | None = None) -> str:
    """Return a number with thousands separators: whole from 100 on, with at most three decimals below 1, else two.

    It has more decimals where it would look the same as the number that it stands `beside`.
    """
    places = 0 if abs(value) >= 100 or float(value).is_integer() else 2 if abs(value) >= 1 else 3
    while beside is not None and value != beside and places < 6 and _rounded(value, places) == number(beside):
        places += 1
    return _rounded(value, places)


def _rounded(value: float, places: int) -> str:
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def count(value: float, one: str, many: str = "", beside: float | None = None) -> str:
    """Return '1 reply', '3,591 replies' or 'no replies'; `many` is the plural if it is not regular; see number()."""
    if value == 1:
        return f"1 {one}"
    return f"{number(value, beside) if value else 'no'} {many or plural(one)}"


def plural(noun: str) -> str:
    """Return the regular plural of a noun."""
    return noun[:-1] + "ies" if noun.endswith("y") else f"{noun}s"


def milliseconds(value: float, beside: float | None = None) -> str:
    """Return a time in milliseconds to three digits, from a second on in seconds: '12.3 ms', '4.77 s'.

    It has more digits where it would look the same as the time that it stands `beside`.
    """
    digits = 3
    while beside is not None and value != beside and digits < 7 and _time(value, digits) == milliseconds(beside):
        digits += 1
    return _time(value, digits)


def _time(value: float, digits: int) -> str:
    return f"{_digits(value, digits)} ms" if value < SECOND else f"{_digits(value / 1000, digits)} s"


def _digits(value: float, digits: int) -> str:
    """Return a number with so many digits, or all before the point."""
    if value < 1:
        return f"{value:.{digits}g}"
    return _rounded(value, max(0, digits - len(str(int(value)))))


def seconds(value: float) -> str:
    """Return '12 s', below 10 s with one decimal."""
    return f"{value:,.0f} s" if value >= 10 or float(value).is_integer() else f"{value:.1f} s"


def times(value: int) -> str:
    """Return 'once' or '3,591 times'."""
    return "once" if value == 1 else f"{number(value)} times"


def percent(share: float | None) -> str:
    """Return a share as '97%', below a tenth with one decimal."""
    return "unknown" if share is None else f"{share:.{1 if share < 0.1 else 0}%}"


def sentence(text: str) -> str:
    """Return the text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]
