"""The goals of reading and learning beside what scripts/bench-insights.sh measured: goals.py FOLDER"""

import json
import re
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])


def reports(name):
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else []


def report(name, train=None):
    fitting = [one for one in reports(name) if train is None or one["train"] == train]
    return fitting[-1] if fitting else None


def printed(name, pattern):
    path = FOLDER / f"{name}.txt"
    found = re.search(pattern, path.read_text()) if path.exists() else None
    return float(found.group(1)) if found else None


def share(name, pattern):
    path = FOLDER / f"{name}.txt"
    found = re.search(pattern, path.read_text()) if path.exists() else None
    return int(found.group(1)) / int(found.group(2)) if found else None


def key(one, *path):
    for part in path:
        one = one.get(part) if one else None
    return one


def rows():
    full = report("receipts-text-all")
    yield "receipts as text, 526 shown: micro-F1 strict", ">=", 0.95, key(full, "microF1Strict"), "last 100 numbers"
    yield "receipts as text, 526 shown: micro-F1 typed", ">=", 0.97, key(full, "microF1Typed"), "last 100 numbers"
    for shown, goal in ((5, 0.80), (50, 0.92), (100, 0.945)):
        one = report(f"receipts-text-{shown}")
        yield f"receipts as text, {shown} shown: mean of fields", ">=", goal, key(one, "macroTyped"), "last 100 numbers, 3 draws"
    for shown, goal in ((1, 0.93), (2, 0.98), (5, 0.995)):
        one = report("invoices-learned", shown)
        yield f"known layout, {shown} shown: header fields", ">=", goal, key(one, "accuracyTyped"), "other invoices of each seller"
    one = report("invoices-learned", 3)
    yield "after 3 of a seller: header fields", ">=", 0.97, key(one, "accuracyTyped"), "other invoices of each seller"
    yield "after 3 of a seller: line items F1", ">=", 0.92, key(one, "itemsF1"), "other invoices of each seller"
    images = report("receipts-images-all")
    for field, goal in (("date", 0.85), ("total", 0.85), ("merchantName", 0.72), ("merchantAddress", 0.60)):
        value = key(images, "fields", field, "typedAccuracy")
        yield f"receipts as images, end to end: {field}", ">=", goal, value, "pictures of the last 100 numbers"
    unseen = report("invoices-0")
    yield "born-digital invoices, unseen: header fields", ">=", 0.90, key(unseen, "accuracyTyped"), "a seller held out"
    yield "born-digital invoices, unseen: line items F1", ">=", 0.80, key(unseen, "itemsF1"), "a seller held out"
    pooled = {
        "receipts 526 shown": full,
        "receipts unseen": report("receipts-text-0"),
        "invoices unseen": unseen,
        "synthetic frozen": report("synthetic"),
    }
    for name, one in pooled.items():
        yield f"calibration error (ECE), {name}", "<=", 0.03, key(one, "ece"), ""
        yield f"right at confidence >= .95, {name}", ">=", 0.98, key(one, "sureRight"), f"{key(one, 'sure')} fields"
        yield f"ROC-AUC of confidence, {name}", ">=", 0.93, key(one, "rocAuc"), ""
    frozen = report("synthetic")
    yield "synthetic, frozen layouts and words: fields", "", None, key(frozen, "accuracyTyped"), "no goal is set"
    yield "placement, IoU >= .5, synthetic (mostly PDF)", ">=", 0.99, key(frozen, "placementIou50"), f"{key(frozen, 'placed')} values"
    yield "500 documents x 15 fields learned, seconds", "<=", 2.0, printed("learning", r"together +([\d.]+)"), ""
    yield "born-digital page, milliseconds", "<=", 50.0, printed("reading", r"rulings\) +([\d.]+)"), "CPU"
    yield "scan, CPU against tesseract's own pass", "<=", 1.15, printed("recognition", r"ratio +([\d.]+)"), "4 pictures"
    yield "right hub of 10 with 5 examples", ">=", 0.97, printed("routing", r"right hub +([\d.]+)"), "receipts, 20 draws"
    yield "none of them, AUROC", ">=", 0.97, printed("routing", r"AUROC +([\d.]+)"), "receipts, 20 draws"
    yield "bad files with a right code, share", ">=", 1.0, share("rejection", r"(\d+) of (\d+) bad"), "the hostile set"
    yield "good files refused", "<=", 0.0, printed("rejection", r"(\d+) of \d+ good"), "all invoices"


print(f"{'goal':52} {'':>9} {'reached':>9}")
for name, sign, goal, value, note in rows():
    if value is None:
        mark, shown = "-", "not run"
    else:
        met = goal is None or (value >= goal if sign == ">=" else value <= goal)
        mark, shown = ("+" if met else "!"), f"{value:.3f}"
    wanted = f"{sign} {goal:g}" if goal is not None else ""
    print(f"{mark} {name:50} {wanted:>9} {shown:>9}  {note}")
print("+ reached   ! not reached   - not run")
