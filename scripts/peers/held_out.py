"""The held-out documents of the labelled sets, and when a value is right: the same rules as tools/corpus has."""

import json
import re
from datetime import date
from pathlib import Path

RECEIPTS_HELD_OUT = 100
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def labels(folder):
    return [(path.stem, json.loads(path.read_text())) for path in sorted((folder / "labels").glob("*.json"))]


def receipts(folder):
    return labels(folder)[-RECEIPTS_HELD_OUT:]


def invoices(folder):
    """Those of the first fifth of the sellers in alphabetical order."""
    every = labels(folder)
    seller = lambda label: (label["seller"] or "").lower()
    sellers = sorted({seller(label) for _, label in every})
    held = set(sellers[: len(sellers) // 5])
    return [(name, label) for name, label in every if seller(label) in held]


def receipt_text(folder: Path, name):
    lines = (folder / "boxes" / f"{name}.csv").read_text(errors="replace").splitlines()
    return "\n".join(line.split(",", 8)[8] for line in lines if line.count(",") >= 8)


def letters(text):
    return "".join(c for c in str(text).lower() if c.isalnum())


def number(text):
    plain = re.sub(r"[^0-9.\-]", "", str(text))
    try:
        return round(float(plain), 2)
    except ValueError:
        return None


def day(text):
    """A label's or a reader's date, day first where it is not ISO 8601."""
    if isinstance(text, date):
        return text.isoformat()[:10]
    parts = re.findall(r"\d+|[a-z]{3,}", str(text).lower())
    numbers = [MONTHS.index(p[:3]) + 1 if p[:3] in MONTHS else int(p) for p in parts if p.isdigit() or p[:3] in MONTHS]
    if len(numbers) < 3:
        return None
    a, b, c = numbers[:3]
    year, month, d = (a, b, c) if a > 1000 else (c, b, a)
    if month > 12:
        month, d = d, month
    return f"{year + 2000 if year < 100 else year:04}-{month:02}-{d:02}"


def right(kind, expected, found):
    if found is None:
        return False
    if kind == "amount":
        return number(expected) is not None and number(expected) == number(found)
    if kind == "date":
        return day(expected) is not None and day(expected) == day(found)
    return letters(expected) == letters(found)


def score(documents, kinds, read):
    """Right and labelled values over all documents; `read` gives a dictionary of what was found."""
    counts = {key: [0, 0] for key in kinds}
    for name, label in documents:
        found = read(name, label) or {}
        for key, kind in kinds.items():
            if label.get(key):
                counts[key][1] += 1
                counts[key][0] += right(kind, label[key], found.get(key))
    return counts
