"""What a developer writes in an afternoon: regular expressions over the text of a page. The yardstick for readers of text."""

import re

AMOUNT = r"(-?\d{1,3}(?:[., '\u00a0]\d{3})*[.,]\d{2}|-?\d+[.,]\d{2})"
DATE = r"(\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}\.? ?[A-Za-zéûäç]{3,9}\.? ?\d{2,4})"
NUMBER = r"(?:rechnungs?-?\s?(?:nummer|nr\.?)|invoice\s?(?:number|no\.?|#)|facture\s?(?:n[o°]\.?)?|num[ée]ro de facture|rechnung(?:\s?nr\.?)?)"
ISSUED = r"(?:rechnungsdatum|invoice date|date de (?:la )?facture|date d'[ée]mission|datum|date)"
NET = r"(?:nettobetrag|summe netto|netto|zwischensumme|total ht|montant ht|subtotal|net total|gesamt netto|warenwert)"
TAX = r"(?:mwst\.?|ust\.?|umsatzsteuer|mehrwertsteuer|tva|vat|tax)"
TOTAL = r"(?:gesamtbetrag|rechnungsbetrag|gesamtsumme|brutto(?:betrag)?|total ttc|net [àa] payer|zahlbetrag|endbetrag|grand total|total due|amount due|total)"


def first(pattern, text):
    found = re.search(pattern, text, re.IGNORECASE)
    return found.group(1).strip() if found else None


def last(pattern, text):
    found = re.findall(pattern, text, re.IGNORECASE)
    return found[-1].strip() if found else None


def plain(amount):
    """The last of point and comma is the decimal sign."""
    if amount is None:
        return None
    sign = max(amount.rfind("."), amount.rfind(","))
    digits = re.sub(r"[^0-9\-]", "", amount[:sign])
    return f"{digits}.{amount[sign + 1:]}"


def invoice(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    amount = lambda label: plain(last(label + r"[^\n\d]{0,40}" + AMOUNT, text))
    return {
        "invoice_number": first(NUMBER + r"\s*:?\s*([A-Z0-9][A-Z0-9/._-]{2,})", text),
        "invoice_date": first(ISSUED + r"[^\n\d]{0,20}" + DATE, text),
        "seller": lines[0] if lines else None,
        "net": amount(NET),
        "tax": amount(TAX + r"[^\n]{0,20}?"),
        "total": amount(TOTAL),
        "iban": first(r"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?)\b", text),
    }


def receipt(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    address = [line for line in lines[1:8] if re.search(r"\b\d{5}\b|jalan|lot |no\.|taman", line, re.IGNORECASE)]
    total = last(r"(?:grand total|total amount|nett? total|total)[^\n\d]{0,30}\n?[^\n\d]{0,10}" + AMOUNT, text)
    return {
        "company": lines[0] if lines else None,
        "address": " ".join(address) or None,
        "date": first(DATE, text),
        "total": plain(total),
    }
