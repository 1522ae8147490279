//! What a laboratory report says about one patient, and under which labels.

use super::{field, required, table};
use crate::hub::{Field, FieldType};

/// In the order a reader would list them.
pub(super) fn fields() -> Vec<Field> {
    vec![
        required(field(
            "patientName",
            "Patient name",
            FieldType::String,
            "Patient|Name of patient|Patient's name|Name|Full name|Pt name|\
             Patientenname|Name des Patienten|Patient/in|Patientin|Name, Vorname|Nachname, Vorname|\
             Nom du patient|Nom et prénom|Nom|Nom, prénom|Nom prénom|Patient(e)|\
             Nombre del paciente|Paciente|Nombre|Nombre y apellidos|Apellidos y nombre|\
             Nome paziente|Paziente|Nome e cognome|Cognome e nome|Nome del paziente|Nominativo|Assistito|\
             Naam patiënt|Patiënt|Naam|Patiëntnaam|Naam van de patiënt|\
             Nome do paciente|Nome|Utente|Nome do utente",
        )),
        field(
            "patientId",
            "Patient ID",
            FieldType::String,
            "Patient number|Patient no|MRN|Medical record number|Medical record no|Patient identifier|Hospital number|\
             Hospital no|Chart no|NHS number|NHS no|UHID|Pat ID|Reg no|Registration no|Patient #|\
             Patientennummer|Patienten-Nr|Patienten-ID|Patientennr|Pat-Nr|Pat Nr|Fallnummer|Versichertennummer|\
             N° patient|Numéro patient|Identifiant patient|Numéro de dossier|N° dossier|IPP|N° de dossier|\
             ID paciente|Número de paciente|Historia clínica|Nº historia|NHC|Nº paciente|\
             ID paziente|Codice paziente|Numero paziente|Cartella clinica|\
             Patiëntnummer|Patiënt-ID|Patiënt ID|BSN|\
             ID do paciente|Número do paciente|Número de utente|Nº utente|Processo",
        ),
        field(
            "dateOfBirth",
            "Date of birth",
            FieldType::Date,
            "DOB|D.O.B.|Birth date|Birthdate|Born|Born on|\
             Geburtsdatum|Geb|Geb-Datum|Geboren|Geboren am|Geburtstag|Geb am|\
             Date de naissance|Né le|Née le|Né(e) le|Naissance|DDN|\
             Fecha de nacimiento|Nacimiento|F nacimiento|Fecha nac|F. nac.|\
             Data di nascita|Nato il|Nata il|Nato/a il|Nascita|\
             Geboortedatum|Geb datum|\
             Data de nascimento|Nascimento|Data nasc",
        ),
        field(
            "collectedAt",
            "Collected",
            FieldType::DateTime,
            "Collected at|Collected on|Collection date|Date collected|Specimen collected|Sample collected|Collection time|\
             Sample date|Date of collection|Collection date/time|Collected date|Drawn|Sampled|Specimen date|Sample taken|\
             Entnahme|Entnahmedatum|Abnahmedatum|Probenentnahme|Abnahme|Blutentnahme|Entnommen am|Probe vom|Entnahmezeit|\
             Materialentnahme|Probenahme|Abgenommen am|\
             Prélevé le|Date de prélèvement|Prélèvement|Prélèvement du|Date du prélèvement|Prélevé|\
             Fecha de toma|Fecha de extracción|Toma de muestra|Extracción|Fecha de recogida|Fecha toma|Fecha de muestra|\
             Data prelievo|Data di prelievo|Prelievo|Prelevato il|Prelievo del|\
             Afnamedatum|Afname|Datum afname|Afgenomen|Afgenomen op|\
             Data da colheita|Colheita|Data de coleta|Coletado em|Coleta|Data da coleta",
        ),
        field(
            "reportedAt",
            "Reported",
            FieldType::DateTime,
            "Reported at|Reported on|Report date|Date reported|Report issued|Date of report|Reported date|Issued|Released|\
             Released on|Result date|Final report|Printed on|Report date/time|Authorised|Validated on|Completed|\
             Befunddatum|Berichtsdatum|Befund vom|Ausgang|Befundausgang|Freigabe|Freigegeben am|Erstellt am|Druckdatum|\
             Validiert am|Bericht vom|Datum des Befundes|\
             Date du compte rendu|Compte rendu du|Édité le|Validé le|Résultat du|Date d'édition|Date du résultat|Imprimé le|\
             Fecha de informe|Fecha del informe|Fecha de resultado|Informe|Fecha de emisión|Emitido el|Fecha de validación|\
             Data referto|Data del referto|Refertato il|Referto del|Data refertazione|Data di refertazione|Validato il|\
             Rapportdatum|Datum rapport|Gerapporteerd|Uitslagdatum|Datum uitslag|\
             Data do relatório|Data do resultado|Emitido em|Liberado em|Data de emissão|Data do laudo",
        ),
        table("results", "Results", "", columns()),
    ]
}

fn columns() -> Vec<Field> {
    vec![
        field(
            "test",
            "Test",
            FieldType::String,
            "Test name|Analyte|Investigation|Parameter|Component|Assay|Examination|Determination|Test description|Tests|\
             Untersuchung|Analyse|Parameter/Untersuchung|Messgröße|Bestimmung|Laborparameter|Analyt|Kenngröße|\
             Examen|Paramètre|Dosage|Analyses|Examens|\
             Prueba|Análisis|Determinación|Parámetro|Estudio|Prueba/Análisis|\
             Esame|Analisi|Parametro|Esami|Descrizione esame|\
             Bepaling|Onderzoek|Testnaam|\
             Exame|Análise|Parâmetro|Teste|Ensaio",
        ),
        field(
            "value",
            "Value",
            FieldType::String,
            "Result|Results|Result value|Measured|Observed value|Your result|Finding|Observation|\
             Ergebnis|Wert|Messwert|Befund|Resultat|Ergebnisse|\
             Résultat|Valeur|Résultats|\
             Resultado|Valor|Resultados|\
             Risultato|Valore|Esito|Risultati|\
             Uitslag|Waarde|Uitslagen|Resultaat",
        ),
        field(
            "unit",
            "Unit",
            FieldType::String,
            "Units|UOM|Unit of measure|Einheit|Einheiten|Dimension|Maßeinheit|Unité|Unités|Unidad|Unidades|\
             Unità|Unità di misura|U.M.|UM|Eenheid|Eenheden|Unidade",
        ),
        field(
            "referenceRange",
            "Reference range",
            FieldType::String,
            "Reference|Ref range|Ref. range|Reference interval|Normal range|Normal|Normal values|Range|Reference values|\
             Biological reference interval|Bio. ref. interval|Expected range|Reference limits|Ref interval|Normals|\
             Referenzbereich|Normalbereich|Normbereich|Referenz|Referenzwerte|Normwert|Normwerte|Norm|Ref-Bereich|Ref.-Bereich|\
             Valeurs de référence|Valeurs usuelles|Intervalle de référence|Normes|Référence|Valeur de référence|\
             Valores de referencia|Rango de referencia|Intervalo de referencia|Valores normales|Rango|Referencia|V. referencia|\
             Valori di riferimento|Intervallo di riferimento|Valori normali|Riferimento|Intervalli di riferimento|\
             Referentiewaarden|Referentiewaarde|Referentie|Normaalwaarden|Referentie-interval|\
             Valores de referência|Intervalo de referência|Referência|Valor de referência",
        ),
        field(
            "flag",
            "Flag",
            FieldType::String,
            "Flags|Abnormal|Abnormal flag|Status|H/L|Indicator|Interpretation|Hi/Lo|\
             Bewertung|Auffällig|Kennung|Hinweis|Markierung|\
             Indicateur|Anomalie|Interprétation|\
             Indicador|Alerta|Interpretación|\
             Segnalazione|Allarme|Indicatore|\
             Afwijkend|Vlag|Indicatie|\
             Alteração|Sinal",
        ),
    ]
}
