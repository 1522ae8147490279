//! The words under which values stand: the hub's own labels and the ones that point elsewhere.
//!
//! Matching is on folded text, so `Rechnungs-Nr.` finds `Rechnungsnr`. Where no label is met exactly, one that differs
//! by a letter or two is taken, which is what OCR does to labels. The longest label wins: `Total net amount` is not the
//! label `Total`. Labels that no field asks for ("delivery date", "change") are known too: a value that stands beside
//! one belongs to it, and not to the field whose label is merely near.

use super::{
    roles::split_words,
    text::{character_mask, fold, similarity},
};
use domain::hub::Field;
use std::collections::HashMap;

/// Words of the longest label that is looked for.
pub(super) const LABEL_WORDS_MAX: usize = 6;
/// Below this two texts are different labels.
const SIMILARITY_MIN: f64 = 0.84;
/// Shorter labels must match exactly: too many short words are one letter apart.
const FUZZY_LENGTH_MIN: usize = 6;

/// What a label stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// The field (or the column) with this index.
    Field(usize),
    /// `Name:` in a section about somebody.
    Name,
    /// `Address:` in a section about somebody.
    Address,
    /// Something that no field of the hub asks for.
    Other(Elsewhere),
}

/// What stands at a label that no field asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Elsewhere {
    Date,
    Amount,
    /// A number of something, a word, a name.
    Text,
}

/// A description of no more words is a label too.
const DESCRIPTION_WORDS_MAX: usize = 4;

/// Under what a field is looked for: its name, its id, its aliases, and of its description what stands in quotation marks.
pub(super) fn labels_of(field: &Field) -> Vec<String> {
    let mut labels = vec![field.name.clone(), split_words(&field.id)];
    labels.extend(field.aliases.iter().cloned());
    if let Some(description) = &field.description {
        // Every second piece stands between quotation marks.
        let quoted = description.split(['"', '“', '”', '„', '«', '»']).skip(1).step_by(2);
        labels.extend(quoted.map(|label| label.trim().to_owned()));
        if description.split_whitespace().count() <= DESCRIPTION_WORDS_MAX {
            labels.push(description.clone());
        }
    }
    labels
}

struct Entry {
    key: String,
    mask: u64,
    length: usize,
}

/// All labels of one hub, or all columns of one table.
pub(super) struct Lexicon {
    entries: Vec<Entry>,
    /// Indices of `entries` by number of characters.
    by_length: Vec<Vec<usize>>,
    meanings: Vec<Vec<Meaning>>,
    exact: HashMap<String, usize>,
    longest: usize,
}

/// A label that was met.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Met<'l> {
    pub meanings: &'l [Meaning],
    pub similarity: f32,
    /// Characters of the label itself.
    pub length: usize,
}

impl Lexicon {
    pub(super) fn new(labels: impl IntoIterator<Item = (Meaning, String)>) -> Self {
        let mut lexicon = Lexicon {
            entries: Vec::new(),
            by_length: Vec::new(),
            meanings: Vec::new(),
            exact: HashMap::new(),
            longest: 0,
        };
        for (meaning, label) in labels {
            let key = fold(&label);
            if key.chars().count() < 2 {
                continue;
            }
            let index = lexicon.index(key);
            let meanings = &mut lexicon.meanings[index];
            // A field's own label is never one that points elsewhere.
            match meaning {
                Meaning::Field(_) => {
                    meanings.retain(|known| matches!(known, Meaning::Field(_)));
                    if !meanings.contains(&meaning) {
                        meanings.push(meaning);
                    }
                }
                _ if meanings.is_empty() => meanings.push(meaning),
                _ => {}
            }
        }
        lexicon
    }

    fn index(&mut self, key: String) -> usize {
        if let Some(&index) = self.exact.get(&key) {
            return index;
        }
        let index = self.entries.len();
        let length = key.chars().count();
        if self.by_length.len() <= length {
            self.by_length.resize_with(length + 1, Vec::new);
        }
        self.by_length[length].push(index);
        self.longest = self.longest.max(length);
        self.entries.push(Entry { mask: character_mask(&key), length, key: key.clone() });
        self.meanings.push(Vec::new());
        self.exact.insert(key, index);
        index
    }

    /// The label that `folded` is, exactly.
    pub(super) fn exact(&self, folded: &str) -> Option<Met<'_>> {
        let index = *self.exact.get(folded)?;
        Some(Met { meanings: &self.meanings[index], similarity: 1.0, length: self.entries[index].length })
    }

    /// The label most similar to `folded`.
    pub(super) fn similar(&self, folded: &str) -> Option<Met<'_>> {
        let length = folded.chars().count();
        if length < FUZZY_LENGTH_MIN
            || length > self.longest + 2
            || folded.bytes().any(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let mask = character_mask(folded);
        let slack = (length / FUZZY_LENGTH_MIN).clamp(1, 3);
        let mut best: Option<(f64, usize)> = None;
        for candidates in self.by_length.iter().take(length + slack + 1).skip(length.saturating_sub(slack)) {
            for &index in candidates {
                let entry = &self.entries[index];
                // One edit changes at most two bits.
                if (entry.mask ^ mask).count_ones() as usize > 2 * slack
                    || entry.length < FUZZY_LENGTH_MIN - 1
                {
                    continue;
                }
                let cutoff = best.map_or(SIMILARITY_MIN, |(score, _)| score);
                let score = similarity(folded, &entry.key, cutoff);
                if score >= SIMILARITY_MIN && best.is_none_or(|(known, _)| score > known) {
                    best = Some((score, index));
                }
            }
        }
        best.map(|(score, index)| Met {
            meanings: &self.meanings[index],
            similarity: score as f32,
            length: self.entries[index].length,
        })
    }

    /// The longest label that starts with the first of `words` (folded): how many words it has, and which.
    pub(super) fn longest_at(&self, words: &[String]) -> Option<(usize, Met<'_>)> {
        let most = words.len().min(LABEL_WORDS_MAX);
        let mut joined = words[..most].concat();
        let mut similar = None;
        for count in (1..=most).rev() {
            if joined.len() <= 4 * self.longest.max(8) && !words[count - 1].is_empty() {
                if let Some(met) = self.exact(&joined) {
                    return Some((count, met));
                }
                if similar.is_none() && words[0].len() > 1 {
                    similar = self.similar(&joined).map(|met| (count, met));
                }
            }
            joined.truncate(joined.len() - words[count - 1].len());
        }
        similar
    }
}

/// Labels of what no built-in field asks for; a hub's own labels take precedence.
pub(super) const ELSEWHERE: &[(Meaning, &str)] = &[
    (
        Meaning::Name,
        "Name|Firma|Company|Company name|Nom|Raison sociale|Nombre|Razón social|Nome|Ragione sociale|Naam|Bedrijfsnaam|Empresa|\
         Entreprise|Société|Bedrijf|Azienda|Denominazione",
    ),
    (
        Meaning::Address,
        "Address|Anschrift|Adresse|Dirección|Indirizzo|Adres|Endereço|Morada|Straße|Street|Rue|Calle|Via",
    ),
    (
        Meaning::Other(Elsewhere::Date),
        "Delivery date|Ship date|Shipping date|Date shipped|Service date|Order date|Date of order|Service period|Statement date|\
         Print date|Expiry date|Expiry|Exp|Valid until|Start date|End date|Value date|Period|Date of supply|Delivered on|\
         Lieferdatum|Leistungsdatum|Liefer- und Leistungsdatum|Bestelldatum|Auftragsdatum|Lieferschein-Datum|Leistungszeitraum|\
         Bestell-Datum|Auftrag-Datum-Lief|Druckdatum|Leistungs-Datum|Lieferscheindatum|Buchungsdatum|Gültig bis|Skonto bis|\
         Date de livraison|Date de commande|Date d'expédition|Date de prestation|Période|Date livraison|Date commande|Livré le|\
         Fecha de entrega|Fecha de pedido|Fecha de envío|Periodo|Fecha pedido|Fecha operación|\
         Data consegna|Data ordine|Data di consegna|Periodo di riferimento|Data DDT|\
         Leverdatum|Besteldatum|Orderdatum|Periode|Data de entrega|Data da encomenda|Data do pedido",
    ),
    (
        Meaning::Other(Elsewhere::Text),
        "Customer number|Customer no|Customer id|Client number|Client no|Account number|Account no|Account|Delivery note|\
         Delivery note no|Tracking number|Quote number|Contract number|Contract no|Project|Project no|Reference|Your reference|\
         Our reference|Ref|Page|Phone|Telephone|Tel|Fax|Mobile|Email|E-mail|Web|Website|Www|Terms|Payment terms|Payment method|\
         Bank|BIC|SWIFT|BIC/SWIFT|Sort code|Routing number|Registration number|Company number|Company reg no|Reg no|Cashier|\
         Salesperson|Sales person|Table|Terminal|Till|Server|Served by|Station|Member|Card no|Approval code|Ship to|Deliver to|\
         Delivery address|Shipping address|Time|Currency|Delivery|Shipped to|Contact|Ticket no|Cust no|Tax code|Pos|Position",
    ),
    (
        Meaning::Other(Elsewhere::Text),
        "Kundennummer|Kundennr|Kunden-Nr|Ihre Kundennummer|Lieferschein|Lieferscheinnummer|Lieferschein-Nr|Lieferscheinnr|\
         Steuernummer|Steuer-Nr|St-Nr|StNr|Vertragsnummer|Vertrags-Nr|Projekt|Projektnummer|Ihr Zeichen|Unser Zeichen|\
         Referenz|Seite|Telefon|Telefax|Mobil|Ansprechpartner|Sachbearbeiter|Bearbeiter|Kontonummer|Konto|BLZ|Bankleitzahl|\
         Handelsregister|Handelsregisternummer|HRB|HRB Nr|Amtsgericht|Geschäftsführer|Geschäftsführung|Lieferadresse|Lieferanschrift|\
         Warenempfänger|Zahlungsbedingungen|Zahlungsart|Zahlungsweise|Währung|GLN|Globale Nummer|GTIN|Lief-Nr|Lieferantennummer|\
         Lieferanten-Nr|Artikel-Nr|Artikelnummer|Art-Nr|Ursprungsbeleg-Nr|Gläubiger-ID|Gläubiger ID bei Lastschrift|\
         Mandatsreferenz|Abteilung|Kostenstelle|Internet|WEEE-Reg-Nr|Lieferavis|Abweichender Zahlungsempfänger|Nummer|Betreff|\
         Käufer-IBAN|Zahlungsempfänger|Versicherungsnummer|VSNR|Auftrag-Nr-Lief|Bestätigungsnummer|Bemerkung",
    ),
    (
        Meaning::Other(Elsewhere::Text),
        "N° client|Numéro client|Code client|Bon de livraison|N° de bon de livraison|Siret|Siren|RCS|Code APE|APE|NAF|Téléphone|\
         Portable|Courriel|Votre référence|Notre référence|Référence|Réf|Conditions de paiement|Mode de paiement|Mode de règlement|\
         Banque|Code banque|Page n°|Adresse de livraison|Livré à|Devis|Devis n°|Contrat|Devise|Règlement|N° de client|Référence client|\
         Nº cliente|Número de cliente|Albarán|Teléfono|Móvil|Forma de pago|Condiciones de pago|Página|Dirección de entrega|\
         Codice cliente|DDT|Telefono|Cellulare|Pagamento|Modalità di pagamento|Pagina|Banca|Destinazione|Codice destinatario|\
         Klantnummer|Klantnr|Debiteurnummer|Pakbon|Telefoon|KvK|KvK-nummer|KvK nr|Betaaltermijn|Betalingstermijn|Betalingswijze|\
         Pagina nr|Afleveradres|Uw referentie|Onze referentie|Referentie|Número de cliente|Nº de cliente|Telemóvel|Guia|\
         Condições de pagamento|Forma de pagamento|Página nº|Morada de entrega",
    ),
    // Numbers of the other party, which look like the sender's.
    (
        Meaning::Other(Elsewhere::Text),
        "Customer VAT|Customer VAT ID|Customer VAT no|Customer VAT number|Client VAT|Buyer VAT|Buyer VAT ID|Your VAT ID|Your VAT no|\
         Your VAT number|Ihre USt-IdNr|Ihre USt-ID|Ihre UID|Ihre Umsatzsteuer-ID|USt-IdNr Kunde|USt-IdNr des Kunden|USt-ID Kunde|\
         Kunden USt-IdNr|Kunden-USt-ID|Kunde USt-IdNr|N° TVA client|N° de TVA client|N° TVA du client|TVA client|Numéro de TVA client|\
         TVA intracommunautaire client|N° TVA intracommunautaire client|N° TVA acheteur|Votre N° TVA|Votre numéro de TVA|NIF cliente|\
         CIF cliente|NIF/CIF cliente|NIF del cliente|P IVA cliente|Partita IVA cliente|P.IVA cliente|BTW-nummer klant|Uw BTW-nummer|\
         BTW nr klant|NIF do cliente|Contribuinte do cliente",
    ),
    (
        Meaning::Other(Elsewhere::Amount),
        "Subtotal|Sub total|Sub-total (ex)|Total excl VAT|Total excluding VAT|Total excl tax|Total before tax|Total excluding GST|\
         Total sales excluding GST|Total sales (excluding GST)|Total excl GST|Zwischensumme|Sous-total|Total HT|Subtotale|Subtotaal|\
         Change|Change due|Cash|Cash tendered|Cash received|Tendered|Tender|Paid|Amount paid|Payment|Card|Credit card|Visa|\
         Mastercard|Debit|Discount|Total discount|Rounding|Rounding adjustment|Round adj|Rounding adj|Rounding amt|Total qty|\
         Total items|Total item|Qty|Total quantity|No of items|Items|Item count|Item(s)|Qty(s)|Total savings|You saved|Savings|Deposit|Shipping|\
         Freight|Tip|Gratuity|Service charge|Points|Balance|Opening balance|Previous balance|Received|Total paid|Total tendered|\
         Tax code|GST summary|Summary|Amt(RM)|Tax(RM)|Taxable|Zero rated|Exempt|Cash rm|Change rm|Total qty sold|Total disc|Disc|\
         Total saving|Total pax|Pax|Bill disc|Excl GST|Total tax included|Total bal|Member points|Card balance",
    ),
    (
        Meaning::Other(Elsewhere::Amount),
        "Bar|Gegeben|Rückgeld|Wechselgeld|Zurück|Rabatt|Skonto|Anzahlung|Erhaltene Anzahlungen|Versandkosten|Versand|Fracht|Porto|\
         Gesamtbetrag der Zuschläge|Gesamtbetrag der Abschläge|Trinkgeld|Kartenzahlung|EC-Karte|Pfand|Leergutwert|Abschlag|\
         Zuschlag|Rechnungsrabatt|Basisbetrag|Basismenge|Übertrag|Restbetrag|Vorauszahlung|Rundung|Artikelrabatt|Bruttopreis|\
         Espèces|Rendu|Rendu monnaie|Monnaie|Remise|Acompte|Frais de port|Port|Carte bancaire|CB|Escompte|Arrondi|Déjà payé|Montant versé|\
         Efectivo|Cambio|Descuento|Anticipo|Portes|Tarjeta|Entregado|Contanti|Resto|Sconto|Acconto|Spese di trasporto|\
         Carta di credito|Contant|Wisselgeld|Korting|Voorschot|Verzendkosten|Pin|Terug|Dinheiro|Troco|Desconto|Adiantamento|Cartão",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn lexicon() -> Lexicon {
        let labels = [(0, "Total"), (1, "Total net"), (2, "Invoice number"), (3, "Rechnungsnr")];
        Lexicon::new(labels.map(|(field, label)| (Meaning::Field(field), label.to_owned())))
    }

    fn met(words: &[&str]) -> Option<(usize, Vec<Meaning>)> {
        let folded: Vec<String> = words.iter().map(|word| fold(word)).collect();
        lexicon().longest_at(&folded).map(|(count, met)| (count, met.meanings.to_vec()))
    }

    #[test]
    fn the_longest_label_wins() {
        assert_eq!(met(&["Total", "net", "12"]), Some((2, vec![Meaning::Field(1)])));
        assert_eq!(met(&["TOTAL:", "12"]), Some((1, vec![Meaning::Field(0)])));
        assert_eq!(met(&["Rechnungs-", "Nr."]), Some((2, vec![Meaning::Field(3)])));
        assert_eq!(met(&["Something"]), None);
    }

    #[test]
    fn a_description_names_labels_in_quotation_marks() {
        let mut field = Field::new("ref", "Ref", domain::hub::FieldType::String);
        field.description = Some("The number behind “Aktenzeichen” or \"Az.\" on every page".into());
        assert_eq!(labels_of(&field)[2..], ["Aktenzeichen", "Az."]);
    }

    #[test]
    fn a_misread_letter_is_forgiven() {
        assert_eq!(met(&["lnvoice", "Number"]), Some((2, vec![Meaning::Field(2)])));
        assert_eq!(met(&["Tota1"]), None);
    }

    #[test]
    fn a_hub_may_claim_a_label_that_otherwise_points_elsewhere() {
        let labels = [(Meaning::Other(Elsewhere::Amount), "Change"), (Meaning::Field(0), "Change")];
        let lexicon = Lexicon::new(labels.map(|(meaning, label)| (meaning, label.to_owned())));
        assert_eq!(lexicon.exact("change").map(|met| met.meanings.to_vec()), Some(vec![Meaning::Field(0)]));
    }
}
