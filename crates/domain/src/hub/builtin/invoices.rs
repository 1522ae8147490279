//! What an invoice says, and under which labels.

use super::{field, required, table};
use crate::hub::{Field, FieldType};

/// In the order a reader would list them.
pub(super) fn fields() -> Vec<Field> {
    let mut fields = heading();
    fields.extend(parties());
    fields.extend(amounts());
    fields.push(table("lineItems", "Line items", "", columns()));
    fields
}

fn heading() -> Vec<Field> {
    vec![
        required(field(
            "invoiceNumber",
            "Invoice number",
            FieldType::String,
            "Invoice no|Invoice nr|Invoice #|Invoice id|Inv no|Inv #|Invoice|Tax invoice no|Bill number|Bill no|\
             Document number|Document no|Credit note number|Credit note no|Credit note|Credit memo|\
             Rechnungsnummer|Rechnungsnr|Rechnungs-Nr|Rechnung Nr|Rechnung Nummer|Rechnung|RG-Nr|Re-Nr|Belegnummer|\
             Belegnr|Beleg-Nr|Beleg Nr|Handelsrechnung Nr|Rechnungskorrektur Nr|Gutschriftsnummer|Gutschrift Nr|Gutschrift|Gutschriftnr|\
             Numéro de facture|N° de facture|N° facture|No de facture|No facture|Facture n°|Facture numéro|Facture no|\
             Facture|Avoir|Num facture|Réf facture|Référence facture|Avoir n°|N° avoir|\
             Número de factura|N° de factura|Nº factura|Núm factura|Factura nº|Factura número|Factura núm|Factura no|\
             Factura|Nº de factura|\
             Numero fattura|Nota di credito|Nota di credito n|N fattura|Nr fattura|Fattura n|Fattura nr|Fattura numero|Fattura n°|Numero documento|Fattura|\
             Factuurnummer|Creditnota|Creditfactuur|Factuurnr|Factuur nr|Factuur nummer|Factuur|Nota nummer|Notanummer|\
             Número da fatura|Nota de crédito|Nº da fatura|Fatura nº|Fatura n|N° fatura|Número da factura|Fatura|Nota fiscal nº|Número da nota",
        )),
        required(field(
            "invoiceDate",
            "Invoice date",
            FieldType::Date,
            "Date of invoice|Date issued|Issue date|Issued on|Issued|Inv date|Bill date|Billing date|Document date|\
             Tax date|Tax point|Date of issue|Date|Dated|\
             Rechnungsdatum|Rechnungs-Datum|Rechnung vom|Ausstellungsdatum|Ausgestellt am|Belegdatum|Beleg-Datum|RG-Datum|\
             Datum|Datum der Rechnung|Erstellt am|\
             Date de facture|Date de facturation|Date facture|Date d'émission|Date de la facture|Émise le|Facture du|\
             Fait le|Établie le|Date du document|En date du|\
             Fecha de factura|Fecha factura|Fecha de emisión|Fecha de expedición|Fecha|\
             Data fattura|Data della fattura|Data di emissione|Data emissione|Data documento|Data|Del|\
             Factuurdatum|Factuur datum|Datum factuur|Notadatum|\
             Data da fatura|Data de emissão|Data da factura|Emitida em|Data emissão",
        )),
        field(
            "dueDate",
            "Due date",
            FieldType::Date,
            "Payment due|Payment due date|Payment due by|Due by|Due on|Due|Pay by|Payable by|Please pay by|Date due|\
             Fälligkeitsdatum|Fälligkeit|Fällig am|Fällig|Zahlbar bis|Zahlungsziel|Zahlungsfrist|Zu zahlen bis|\
             Bitte zahlen bis|Zahlung bis|Zahlbar bis zum|Zahlung fällig am|Zahlungstermin|Zahlbar bis spätestens|Netto bis|\
             Date d'échéance|Échéance|Échéance le|Date limite de paiement|À payer avant le|Payable avant le|À régler avant le|\
             À régler le|Payable le|Date échéance|\
             Fecha de vencimiento|Vencimiento|Fecha vencimiento|Vence|Vence el|Pagar antes del|\
             Data di scadenza|Scadenza|Data scadenza|Scadenza pagamento|Entro il|Da pagare entro|\
             Vervaldatum|Vervaldag|Uiterste betaaldatum|Te betalen voor|Betalen voor|Betaaldatum|Te voldoen voor|\
             Data de vencimento|Vencimento|Data vencimento|Pagar até|Data limite de pagamento",
        ),
    ]
}

fn parties() -> Vec<Field> {
    vec![
        required(field(
            "sellerName",
            "Seller",
            FieldType::String,
            "Seller name|Supplier|Supplier name|Vendor|Vendor name|Sold by|From|Issued by|Billed by|Provider|\
             Service provider|Payee|Remit to|Pay to|Invoice from|\
             Verkäufer|Lieferant|Rechnungssteller|Aussteller|Leistungserbringer|Auftragnehmer|Absender|Kreditor|\
             Fournisseur|Vendeur|Émetteur|Prestataire|Émis par|Vendu par|\
             Proveedor|Vendedor|Emisor|Emitido por|\
             Fornitore|Venditore|Emittente|Cedente|Cedente/prestatore|Mittente|\
             Leverancier|Verkoper|Afzender|\
             Fornecedor|Emitente|Prestador",
        )),
        field(
            "sellerVatId",
            "Seller VAT ID",
            FieldType::String,
            "VAT ID|VAT number|VAT no|VAT reg no|VAT registration number|VAT registration no|VAT identification number|\
             VAT|Tax ID|Tax number|GST no|GST ID|GST reg no|GSTIN|ABN|TIN|EIN|\
             USt-IdNr|USt-ID|USt-Id-Nr|UStID|Umsatzsteuer-ID|Umsatzsteuer-Identifikationsnummer|Umsatzsteueridentnummer|\
             UID|UID-Nr|UID-Nummer|MwSt-Nr|Ust Ident Nr|Umsatzsteuer-Identnummer|Umsatzsteuer Id Nr|\
             N° TVA|TVA intracommunautaire|N° TVA intracommunautaire|Numéro de TVA|N° de TVA|TVA intra|N° TVA intra|\
             Identifiant TVA|Numéro TVA intracommunautaire|\
             NIF|CIF|NIF/CIF|CIF/NIF|N.I.F.|C.I.F.|NIF-IVA|Número de IVA|\
             Partita IVA|P IVA|P.IVA|Part IVA|P.IVA/C.F.|P IVA e C F|Codice fiscale|\
             BTW-nummer|BTW nr|BTW-id|Btw-identificatienummer|BTW|\
             Contribuinte|Número de contribuinte|NIPC|CNPJ|NIF nº",
        ),
        field(
            "buyerName",
            "Buyer",
            FieldType::String,
            "Buyer name|Bill to|Billed to|Billing to|Invoice to|Invoiced to|Sold to|Customer|Customer name|Client|\
             Client name|To|Recipient|Billing address|Bill to address|Attention|Attn|\
             Käufer|Kunde|Rechnungsempfänger|Rechnung an|Leistungsempfänger|Käufer/Leistungsempfänger|Auftraggeber|\
             Empfänger|Rechnungsadresse|Rechnungsanschrift|Kundenname|Besteller|Debitor|\
             Acheteur|Facturé à|Facturer à|Destinataire|Adresse de facturation|Nom du client|Adressé à|À l'attention de|\
             Cliente|Comprador|Facturar a|Facturado a|Datos del cliente|Destinatario|Dirección de facturación|\
             Acquirente|Fatturare a|Intestatario|Spett.le|Spettabile|Cessionario|Cessionario/committente|Committente|\
             Koper|Klant|Factuur aan|Factuuradres|Klantnaam|Afnemer|Gefactureerd aan|\
             Faturar a|Nome do cliente|Destinatário|Adquirente|Exmo Sr|Exmos Senhores",
        ),
        field(
            "purchaseOrder",
            "Purchase order",
            FieldType::String,
            "Purchase order number|Purchase order no|PO number|PO no|PO #|PO|P.O. number|P.O. no|Order number|Order no|\
             Your order|Your order no|Customer order|Customer PO|Cust PO|Order ref|Order reference|Order #|\
             Bestellnummer|Bestellnr|Bestell-Nr|Bestellung|Bestellung Nr|Ihre Bestellung|Ihre Bestellnummer|\
             Ihre Bestellung Nr|Auftragsnummer|Auftrags-Nr|Auftragsnr|Auftrag Nr|Ihr Auftrag|\
             Bon de commande|N° de commande|N° commande|Commande n°|Numéro de commande|Votre commande|Réf commande|\
             Votre référence commande|Commande|No commande|\
             Orden de compra|Nº de pedido|Número de pedido|Pedido|Su pedido|Nº pedido|Pedido nº|\
             Ordine d'acquisto|Numero ordine|N ordine|Vostro ordine|Ordine n|Ordine nr|Rif ordine|Nr ordine|\
             Inkoopordernummer|Inkooporder|Bestelnummer|Ordernummer|Uw bestelling|Uw order|Bestelling|\
             Ordem de compra|Número da encomenda|Encomenda|Nº encomenda|Número do pedido|Nota de encomenda",
        ),
    ]
}

fn amounts() -> Vec<Field> {
    vec![
        field(
            "netTotal",
            "Net total",
            FieldType::Money,
            "Net amount|Net|Total net|Subtotal|Sub total|Sub-total|Total excl VAT|Total excluding VAT|Total ex VAT|\
             Total excl tax|Total before tax|Amount before tax|Taxable amount|Net value|Total exc VAT|Total excluding tax|\
             Total without VAT|Amount excl VAT|Total excluding GST|\
             Nettobetrag|Netto|Nettosumme|Summe netto|Gesamt netto|Zwischensumme|Gesamtbetrag netto|Netto gesamt|\
             Rechnungssumme ohne USt|Rechnungssumme netto|Summe ohne MwSt|Nettogesamt|Nettorechnungsbetrag|Zwischensumme netto|\
             Gesamtsumme netto|Nettobetrag gesamt|Warenwert netto|Nettowert gesamt|Total ohne MwSt|Steuerbasisbetrag|Rechnungsbetrag netto|\
             Total HT|Montant HT|Sous-total|Total hors taxes|Montant hors taxes|Total net HT|Net HT|Sous-total HT|\
             Montant total HT|Total H.T.|Base HT|Total HT net|Montant net HT|\
             Base imponible|Importe neto|Total neto|Suma|Neto|Total sin IVA|Importe sin IVA|\
             Imponibile|Totale imponibile|Totale netto|Subtotale|Importo netto|Totale merce|Netto imponibile|\
             Totaal excl btw|Subtotaal|Totaal exclusief btw|Bedrag excl btw|Netto bedrag|Nettobedrag|Totaal netto|\
             Total líquido|Valor líquido|Incidência|Base tributável|Total sem IVA|Total ilíquido",
        ),
        field(
            "taxTotal",
            "Tax total",
            FieldType::Money,
            "Total tax|Tax|Tax amount|VAT amount|VAT total|Total VAT|VAT|Sales tax|GST|GST amount|Total GST|HST|\
             Mehrwertsteuer|MwSt|MwSt-Betrag|Umsatzsteuer|USt|USt-Betrag|Steuerbetrag|Summe MwSt|Summe USt|Steuer gesamt|\
             Zzgl MwSt|Zzgl USt|Zuzüglich MwSt|Steuerbetrag gesamt|Gesamtsteuerbetrag|Mehrwertsteuerbetrag|\
             Umsatzsteuerbetrag|Gesamtbetrag USt|Gesamt MwSt|Steuer|Plus MwSt|Versicherungsteuer|Versicherungssteuer|\
             TVA|Montant TVA|Total TVA|Montant de la TVA|Total de la TVA|Taxes|Total taxes|Montant total TVA|\
             IVA|Cuota IVA|Importe IVA|Total IVA|Cuota|Impuestos|Total impuestos|I.V.A.|\
             Imposta|Totale IVA|Importo IVA|Totale imposta|Ammontare IVA|\
             BTW|BTW-bedrag|Totaal BTW|Omzetbelasting|BTW totaal|\
             Valor do IVA|Imposto|Montante IVA|Total do IVA|Total imposto",
        ),
        required(field(
            "total",
            "Total",
            FieldType::Money,
            "Grand total|Total amount|Invoice total|Amount due|Balance due|Total due|Total payable|Amount payable|\
             Total incl VAT|Total including VAT|Total inc VAT|Total incl tax|Gross amount|Gross total|Total gross|\
             Total invoice amount|Invoice amount|Total to pay|Please pay|Due payable|Payable|Total due payable|Payable amount|Total including tax|Total incl GST|\
             Total amount due|Total amount payable|Amount|Total amount incl VAT|\
             Gesamtbetrag|Rechnungsbetrag|Gesamtsumme|Summe|Bruttobetrag|Brutto|Bruttosumme|Endbetrag|Zahlbetrag|\
             Gesamt|Rechnungssumme|Rechnungssumme brutto|Summe brutto|Gesamt brutto|Gesamtbetrag brutto|Zu zahlen|Zu zahlender Betrag|\
             Rechnungsendbetrag|Endsumme|Fälliger Betrag|Rechnungsgesamtbetrag|Gesamtbetrag inkl MwSt|Rechnungsbeitrag|\
             Gesamtbetrag EUR|Gesamtpreis|Gesamtrechnungsbetrag|Summe inkl MwSt|Total inkl MwSt|Rechnungstotal|Zu bezahlen|\
             Total TTC|Montant TTC|Net à payer|Total à payer|Montant total|Total toutes taxes comprises|Montant à payer|\
             Montant total TTC|Net à payer TTC|Total T.T.C.|Total général|Solde à payer|Total facture|Reste à payer|\
             Importe total|Total factura|Total a pagar|Total con IVA|Importe a pagar|Total general|Total euros|Líquido a pagar|\
             Totale|Totale fattura|Totale documento|Importo totale|Totale da pagare|Netto a pagare|Totale complessivo|\
             Totale a pagare|Totale dovuto|Totale ivato|Importo dovuto|\
             Totaal|Totaalbedrag|Te betalen|Totaal incl btw|Totaal inclusief btw|Totaal te betalen|Te voldoen|\
             Factuurbedrag|Factuurtotaal|Eindbedrag|Te betalen bedrag|Totaal te voldoen|\
             Total da fatura|Valor total|Total geral|Valor a pagar|Total com IVA|Montante total|Total do documento",
        )),
        field(
            "iban",
            "IBAN",
            FieldType::String,
            "IBAN no|IBAN number|IBAN code|IBAN-Nr|IBAN Nummer|Bank account IBAN|Kontonummer IBAN|Compte IBAN|Code IBAN|\
             Cuenta IBAN|Codice IBAN|IBAN-nummer|Bankverbindung IBAN|Bankkonto|Rekeningnummer",
        ),
    ]
}

/// Also a receipt's: what was sold.
pub(super) fn columns() -> Vec<Field> {
    vec![
        field(
            "description",
            "Description",
            FieldType::String,
            "Item|Item description|Product|Product description|Article|Service|Services|Details|Particulars|Goods|\
             Product name|Item name|Desc|Activity|Work performed|\
             Beschreibung|Bezeichnung|Artikel|Artikelbezeichnung|Leistung|Produkt|Text|Leistungsbeschreibung|Ware|\
             Artikelbeschreibung|Warenbezeichnung|Positionsbeschreibung|Leistungsbezeichnung|Produktbezeichnung|Positionstext|\
             Désignation|Libellé|Produit|Prestation|Désignation du produit|Intitulé|Désignation des produits|Référence et désignation|\
             Descripción|Concepto|Artículo|Producto|Detalle|Descripcion del producto|\
             Descrizione|Articolo|Prodotto|Prestazione|Descrizione articolo|Descrizione dei beni|\
             Omschrijving|Artikelomschrijving|Dienst|Artikelnaam|\
             Descrição|Artigo|Produto|Designação|Descrição do produto|Serviço",
        ),
        field(
            "quantity",
            "Quantity",
            FieldType::Number,
            "Qty|Quant|Units|Hours|Hrs|No of units|Pcs|Count|Qty shipped|\
             Menge|Anzahl|Stück|Stk|Stunden|Einheiten|Anz|\
             Quantité|Qté|Qte|Nombre|Nb|Heures|\
             Cantidad|Cant|Uds|Unidades|Horas|\
             Quantità|Q.tà|Qta|Q tà|Ore|\
             Aantal|Hoeveelheid|Stuks|Uren|Aant|\
             Quantidade|Qtd|Qtde|Quant.",
        ),
        field(
            "unitPrice",
            "Unit price",
            FieldType::Money,
            "Price|Rate|Unit cost|Price per unit|Price each|Each|Unit|Price/unit|U/Price|S/Price|Cost|Hourly rate|Net price|\
             Einzelpreis|Stückpreis|Preis|E-Preis|EP|Einheitspreis|Nettopreis|Preis/Einheit|Einzelpreis netto|Preis pro Einheit|\
             Preis EUR|Einzelpreis EUR|Stundensatz|Einzel|Preis je Einheit|E.-Preis|Einzelbetrag|VK-Preis|\
             Prix unitaire|PU|PU HT|Prix unitaire HT|P.U. HT|P.U.|Prix|Prix unit|Prix U|Tarif|Prix HT|Prix unit HT|\
             Precio|Precio unitario|P unitario|Precio unidad|Precio/ud|Precio ud|\
             Prezzo|Prezzo unitario|Prezzo un|Prezzo unit|P unit|Costo unitario|\
             Prijs|Stukprijs|Eenheidsprijs|Prijs per stuk|Prijs per eenheid|Tarief|\
             Preço|Preço unitário|Preço unit|P unit.|Pr unitário|Valor unitário",
        ),
        field(
            "amount",
            "Amount",
            FieldType::Money,
            "Total|Line total|Net amount|Extended|Extended price|Total price|Sum|Total amount|Value|Line amount|Ext price|\
             Amt|Nett amount|\
             Betrag|Gesamtpreis|Gesamt|Summe|Nettobetrag|Gesamtbetrag|G-Preis|GP|Nettowert|Preis gesamt|Betrag EUR|\
             Gesamtpreis EUR|Positionssumme|Wert|Gesamt EUR|Betrag netto|Gesamt netto|Zeilensumme|Positionsbetrag|Entgelt|Beitrag|\
             Montant|Montant HT|Total HT|Prix total|Total ligne|Total net|Montant net|Montant total HT|Montant total|Total HT net|\
             Importe|Importe total|Subtotal|Total línea|Precio total|\
             Importo|Totale|Importo totale|Prezzo totale|Totale riga|Imponibile|\
             Bedrag|Totaal|Totaalprijs|Regelbedrag|Totaal bedrag|Totaalbedrag|\
             Montante|Preço total|Valor|Valor total|Total líquido",
        ),
    ]
}
