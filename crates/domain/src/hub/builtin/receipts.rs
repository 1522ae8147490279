//! What a till receipt says, and under which labels.

use super::{field, invoices, required, table};
use crate::hub::{Field, FieldType};

/// In the order a reader would list them.
pub(super) fn fields() -> Vec<Field> {
    vec![
        required(field(
            "merchantName",
            "Merchant",
            FieldType::String,
            "Merchant name|Store|Shop|Store name|Retailer|Sold by|Händler|Geschäft|Filiale|Commerçant|Magasin|Enseigne|\
             Comercio|Tienda|Establecimiento|Esercente|Negozio|Winkel|Handelaar|Comerciante|Loja|Estabelecimento",
        )),
        field(
            "merchantAddress",
            "Merchant address",
            FieldType::String,
            "Store address|Shop address|Address|Adresse|Anschrift|Adresse du magasin|Dirección|Indirizzo|Adres|Endereço|Morada",
        ),
        required(field(
            "date",
            "Date",
            FieldType::Date,
            "Transaction date|Receipt date|Invoice date|Date of sale|Sale date|Bill date|Purchase date|Trans date|Inv date|\
             Date/Time|Date & Time|Date and time|Doc date|Document date|Issued on|\
             Datum|Belegdatum|Kaufdatum|Bondatum|Rechnungsdatum|Datum/Uhrzeit|\
             Date d'achat|Date de vente|Date de transaction|Date du ticket|Le|\
             Fecha|Fecha de compra|Fecha de venta|Fecha/Hora|\
             Data|Data acquisto|Data vendita|Data e ora|\
             Aankoopdatum|Transactiedatum|Datum en tijd|Verkoopdatum|\
             Data da compra|Data da venda|Data/Hora",
        )),
        required(field(
            "total",
            "Total",
            FieldType::Money,
            "Grand total|Total amount|Amount due|Total due|Net total|Total payable|Amount payable|Balance due|Total sales|\
             Total incl GST|Total incl tax|Total inclusive of GST|Total including GST|Total sales inclusive of GST|\
             Total sales inclusive GST|Total (incl. GST)|Total inc GST|Total incl VAT|Total sale|Round total|Rounded total|\
             Rounded total RM|Total rounded|Total after rounding|Nett total|Net amount|Nett amt|Amount|Total amt|\
             Total amt payable|Total rm|Total amount rm|Total after adj|Total rounding|Amt due|Total amount due|Bill total|\
             Total payment|Total amount incl GST|Total bill|Nett|Net|To pay|Total to pay|Balance to pay|Total sales incl GST|\
             Total inclusive GST|Final total|Net amt|Total incl. GST@6%|Total(MYR)|Total RM incl of GST|Total with GST|\
             Summe|Gesamt|Gesamtbetrag|Gesamtsumme|Zu zahlen|Zahlbetrag|Endbetrag|Betrag|Summe EUR|Total EUR|Rechnungsbetrag|\
             Brutto|Bruttobetrag|Zu bezahlen|\
             Total TTC|Montant TTC|Net à payer|Total à payer|Montant|Montant total|Montant dû|À payer|\
             Importe|Importe total|Total a pagar|A pagar|Total compra|\
             Totale|Totale complessivo|Importo|Importo totale|Totale euro|Totale da pagare|Importo pagato|\
             Totaal|Te betalen|Totaalbedrag|Totaal te betalen|Bedrag|\
             Valor total|Total geral|Montante|Valor a pagar",
        )),
        field(
            "taxTotal",
            "Tax total",
            FieldType::Money,
            "Total tax|Tax|Tax amount|Sales tax|VAT|VAT amount|Total VAT|GST|GST amount|Total GST|GST 6%|Add GST|GST @6%|\
             Service tax|SST|GST payable|GST included in total|Tax amt|Tax (RM)|HST|PST|Total GST 6%|\
             MwSt|USt|Mehrwertsteuer|Umsatzsteuer|MwSt-Betrag|Steuer|Enthaltene MwSt|Steuerbetrag|Summe MwSt|Inkl MwSt|\
             TVA|Montant TVA|Total TVA|Dont TVA|\
             IVA|Cuota IVA|Total IVA|Importe IVA|\
             Imposta|Di cui IVA|Totale IVA|Importo IVA|\
             BTW|BTW-bedrag|Totaal BTW|Waarvan BTW|\
             Valor do IVA|Imposto",
        ),
        table("lineItems", "Line items", "", invoices::columns()),
    ]
}
