"""Peers on the held-out documents that `corpus evaluate` reports on: run.py DATA FOLDER

Writes FOLDER/peers.json and prints a table. Each peer reads the same files and is compared by the same rules. A peer that
cannot be run says why."""

import json
import logging
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import held_out
import patterns

RECEIPT_KINDS = {"company": "text", "address": "text", "date": "date", "total": "amount"}
INVOICE_KINDS = {
    "invoice_number": "text",
    "invoice_date": "date",
    "seller": "text",
    "buyer": "text",
    "net": "amount",
    "tax": "amount",
    "total": "amount",
    "iban": "text",
}
DOCLING = (
    "not run: its layout and table models are not in its package but fetched from a model hub on first use, "
    "and nothing here is downloaded but packages"
)


def pdftotext(path):
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout


def plumbed(path):
    import pdfplumber

    with pdfplumber.open(path) as document:
        return "\n".join(page.extract_text() or "" for page in document.pages)


def pdfium(path):
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    texts = [page.get_textpage().get_text_range() for page in document]
    document.close()
    return "\n".join(texts)


def tesseract(path):
    command = ["tesseract", path, "stdout", "-l", "eng", "--psm", "4"]
    return subprocess.run(command, capture_output=True, text=True, env={"OMP_THREAD_LIMIT": "1", "PATH": "/usr/bin:/bin:/usr/local/bin"}).stdout


def with_invoice2data():
    """Its own templates; it has no other way to read a sender it does not know."""
    from invoice2data import extract_data
    from invoice2data.extract.loader import read_templates

    logging.disable(logging.CRITICAL)
    templates = read_templates()
    names = {"invoice_number": "invoice_number", "date": "invoice_date", "issuer": "seller", "amount": "total"}

    def read(path):
        try:
            found = extract_data(path, templates=templates) or {}
        except Exception:  # a file that it cannot read is one without values
            found = {}
        return {ours: found[theirs] for theirs, ours in names.items() if theirs in found}

    return read


def page_milliseconds(read, paths):
    import pypdfium2

    pages = sum(len(pypdfium2.PdfDocument(path)) for path in paths)
    for path in paths:
        read(path)
    begun = time.process_time()
    for path in paths:
        read(path)
    return 1000 * (time.process_time() - begun) / pages


def main(data, out):
    invoices, receipts = data / "invoices", data / "receipts"
    results, speed = {}, {}

    def of_invoices(read):
        documents = held_out.invoices(invoices)
        return held_out.score(documents, INVOICE_KINDS, lambda _, label: read(str(invoices / label["file"])))

    results["invoices", "pdfplumber + patterns"] = of_invoices(lambda path: patterns.invoice(plumbed(path)))
    results["invoices", "pdftotext + patterns"] = of_invoices(lambda path: patterns.invoice(pdftotext(path)))
    results["invoices", "pypdfium2 + patterns"] = of_invoices(lambda path: patterns.invoice(pdfium(path)))
    results["invoices", "invoice2data"] = of_invoices(with_invoice2data())
    every = held_out.receipts(receipts)
    results["receipts-text", "patterns"] = held_out.score(
        every, RECEIPT_KINDS, lambda name, _: patterns.receipt(held_out.receipt_text(receipts, name))
    )
    pictured = [(name, label) for name, label in every if (receipts / "images" / f"{name}.jpg").exists()]
    with ThreadPoolExecutor(2) as pool:
        texts = dict(zip([n for n, _ in pictured], pool.map(lambda d: tesseract(str(receipts / "images" / f"{d[0]}.jpg")), pictured)))
    results["receipts-images", "tesseract + patterns"] = held_out.score(
        pictured, RECEIPT_KINDS, lambda name, _: patterns.receipt(texts[name])
    )
    paths = [str(invoices / label["file"]) for _, label in held_out.labels(invoices)]
    speed["pypdfium2"] = page_milliseconds(pdfium, paths)
    speed["pdfplumber"] = page_milliseconds(plumbed, paths)
    written = {"accuracy": {}, "milliseconds": speed, "docling": DOCLING}
    for (group, peer), counts in results.items():
        right, all_ = (sum(pair[place] for pair in counts.values()) for place in (0, 1))
        share = {key: round(pair[0] / pair[1], 3) for key, pair in counts.items() if pair[1]}
        written["accuracy"].setdefault(group, {})[peer] = {"typed": round(right / max(all_, 1), 3), "fields": share}
        print(f"  {group:16} {peer:24} typed {right / max(all_, 1):.3f}  " + "  ".join(f"{k} {v:.2f}" for k, v in share.items()))
    for peer, milliseconds in speed.items():
        print(f"  text speed       {peer:24} {milliseconds:.2f} ms CPU a page")
    print(f"  docling          {DOCLING}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "peers.json").write_text(json.dumps(written, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
