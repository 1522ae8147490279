"""Writes sample-order-1.pdf and sample-order-2.pdf, the two orders of `plextera demo --learn`.

Both are of one invented seller, whose reference stands under words that no hub expects ("Our sign").
"""

from pathlib import Path

ORDERS = [("QX-20417", "2026-01-05", "310.00", "forty chairs"), ("QX-20999", "2026-02-11", "95.50", "six lamps")]


def pdf(lines: list[str]) -> bytes:
    content = "BT /F1 11 Tf 56 790 Td 15 TL\n" + "".join(f"({line}) Tj T*\n" for line in lines) + "ET\n"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
        "/Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        f"<< /Length {len(content)} >>\nstream\n{content}endstream",
    ]
    out, offsets = "%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    out += "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    return out.encode("latin-1")


def main() -> None:
    for number, (reference, date, total, goods) in enumerate(ORDERS, 1):
        lines = [
            "Northwind Traders",
            "12 Harbour Road, Port Ellen",
            "",
            "Signal mark 77-A",
            f"Our sign {reference}",
            "Case 4711-90",
            "",
            f"Drawn up {date}",
            "",
            f"We deliver as agreed and thank you for your order of {goods}.",
            f"Payable {total} EUR",
            "",
            "Goods remain ours until they are paid in full.",
        ]
        Path(__file__).with_name(f"sample-order-{number}.pdf").write_bytes(pdf(lines))


main()
