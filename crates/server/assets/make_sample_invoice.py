#!/usr/bin/env python3
"""Makes sample-invoice.pdf, the document that `plextera demo` reads when it is given none.

Everyone and everything on it is invented. Needs nothing but Python; the same bytes come out each time:

    python3 make_sample_invoice.py > sample-invoice.pdf
"""

import sys

# Advance widths of Helvetica for the characters 32 to 126, in thousandths of the size (Adobe's font metrics).
WIDTHS = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
]
LEFT, RIGHT = 56, 539  # of the page's 595 points
GREY, BLACK, BLUE = "0.45 0.45 0.45", "0 0 0", "0.12 0.30 0.47"
drawing = []


def width(text, size, font="F1"):
    bold = 1.065 if font == "F2" else 1  # on average
    return sum(WIDTHS[ord(c) - 32] for c in text) * bold * size / 1000


def write(x, y, text, size=10, font="F1", colour=BLACK, right=False):
    if right:
        x -= width(text, size, font)
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    drawing.append(f"BT {colour} rg /{font} {size} Tf {x:.2f} {y} Td ({escaped}) Tj ET")


def rule(y, weight=0.5, colour=GREY):
    drawing.append(f"{colour} RG {weight} w {LEFT} {y} m {RIGHT} {y} l S")


def money(cents):
    return f"{cents // 100:,}.{cents % 100:02d}"


def letterhead():
    write(LEFT, 778, "Nordlicht Office Supplies GmbH", 16, "F2", BLUE)
    write(LEFT, 762, "Speicherkai 12, 20457 Hamburg, Germany", 9, colour=GREY)
    write(RIGHT, 778, "INVOICE", 20, "F2", BLUE, right=True)
    rule(748, 1.2, BLUE)


def parties():
    write(LEFT, 722, "Bill to", 9, "F2", GREY)
    for line, text in enumerate(["Castellan Robotics Ltd", "14 Harbour Street", "Dublin D02 X285", "Ireland"]):
        write(LEFT, 706 - 14 * line, text, font="F2" if line == 0 else "F1")
    facts = [
        ("Invoice number", "NL-2026-0417"),
        ("Invoice date", "14 April 2026"),
        ("Due date", "14 May 2026"),
        ("Purchase order", "PO-88213"),
        ("VAT ID", "DE287459103"),
    ]
    for line, (label, value) in enumerate(facts):
        write(360, 722 - 15 * line, label, 10, colour=GREY)
        write(RIGHT, 722 - 15 * line, value, right=True)


def items():
    columns = [(LEFT, "Description", False), (380, "Quantity", True), (460, "Unit price", True), (RIGHT, "Amount", True)]
    for x, name, right in columns:
        write(x, 612, name, 9, "F2", right=right)
    rule(604)
    rows = [
        ("Standing desk, oak, 160 x 80 cm", 2, 48900),
        ("Task chair Fjord, grey", 4, 21950),
        ("Monitor arm, dual", 3, 8490),
        ("Delivery and assembly", 1, 12000),
    ]
    for line, (description, quantity, price) in enumerate(rows):
        y = 586 - 20 * line
        write(LEFT, y, description)
        write(380, y, str(quantity), right=True)
        write(460, y, money(price), right=True)
        write(RIGHT, y, money(quantity * price), right=True)
    rule(514)
    return sum(quantity * price for _, quantity, price in rows)


def totals(net):
    tax = (net * 19 + 50) // 100
    write(360, 494, "Subtotal")
    write(RIGHT, 494, f"EUR {money(net)}", right=True)
    write(360, 476, "VAT 19%")
    write(RIGHT, 476, f"EUR {money(tax)}", right=True)
    drawing.append(f"{BLACK} RG 0.8 w 360 468 m {RIGHT} 468 l S")
    write(360, 452, "Total", 12, "F2")
    write(RIGHT, 452, f"EUR {money(net + tax)}", 12, "F2", right=True)


def payment():
    write(LEFT, 400, "Payment", 9, "F2", GREY)
    write(LEFT, 384, "Please pay within 30 days to the account below and quote the invoice number.")
    write(LEFT, 366, "IBAN: DE89 3704 0044 0532 0130 00")
    write(LEFT, 352, "BIC: COBADEFFXXX")
    rule(84)
    write(LEFT, 70, "Nordlicht Office Supplies GmbH, Amtsgericht Hamburg HRB 154209", 8, colour=GREY)
    write(RIGHT, 70, "Page 1 of 1", 8, colour=GREY, right=True)


def pdf(content):
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        font % "Helvetica",
        font % "Helvetica-Bold",
    ]
    out, offsets = "%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    count = len(objects) + 1
    return f"{out}xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"


letterhead()
parties()
totals(items())
payment()
sys.stdout.buffer.write(pdf("\n".join(drawing)).encode("ascii"))
