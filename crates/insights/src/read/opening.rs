//! From bytes to the parts of a document that can be read page by page.
//!
//! Most documents are one part. An e-mail is its body and what is attached, an archive what is in it, and either may hold
//! the other; their pages are numbered through. A part that cannot be read is a page without words, so that nobody takes
//! the rest for all there was; only where no part can be read the document is refused, for the first part's reason. What
//! is no document at all (a program's settings, a film) is passed over.

use domain::kind::{self, Kind};
use domain::limits;

use super::flow::{Block, Flow};
use super::package::{Budget, Entry, Package};
use super::{Invoice, Leaf, Limits, Refusal, Source, Step, html, mail, office, pdf, picture, text};

/// Opens one document with all its parts.
pub(super) struct Opening<'a> {
    pub limits: &'a Limits,
    pub before: &'a mut dyn FnMut(Step),
    budget: Budget,
    pub leaves: Vec<Leaf>,
    /// The first invoice as data.
    pub invoice: Option<Invoice>,
    refusal: Option<Refusal>,
}

impl<'a> Opening<'a> {
    pub(super) fn new(limits: &'a Limits, before: &'a mut dyn FnMut(Step)) -> Opening<'a> {
        Opening {
            limits,
            before,
            budget: Budget::default(),
            leaves: Vec::new(),
            invoice: None,
            refusal: None,
        }
    }

    /// The document itself. What it is made of is in [`Opening::leaves`] afterwards.
    pub(super) fn document(&mut self, bytes: Vec<u8>, name: &str) -> Result<Kind, Refusal> {
        let kind = kind::detect(&bytes, name);
        if kind == Kind::Empty {
            return Err(Refusal::Empty);
        }
        if let Some(refusal) = misnamed(kind, name) {
            return Err(refusal);
        }
        let kind = self.read(bytes, kind, name, 0)?;
        if self.leaves.iter().all(|leaf| matches!(leaf.source, Source::Unreadable)) {
            let nothing = Refusal::Unsupported { mime_type: kind.mime_type().to_owned() };
            return Err(self.refusal.take().unwrap_or(nothing));
        }
        Ok(kind)
    }

    fn read(&mut self, bytes: Vec<u8>, kind: Kind, name: &str, depth: usize) -> Result<Kind, Refusal> {
        match kind {
            Kind::Pdf => {
                let document = pdf::Document::open(bytes)?;
                self.invoice = self.invoice.take().or_else(|| document.first_xml(Invoice::parse));
                let page_count = document.page_count();
                self.push(Source::Pdf(document), page_count)?;
            }
            Kind::Docx => self.docx(bytes)?,
            Kind::Xlsx => {
                let flow = office::read_xlsx(bytes, &mut self.budget)?;
                self.push_flow(flow)?;
            }
            Kind::Pptx => {
                let pages = office::read_pptx(bytes, &mut self.budget)?;
                let page_count = pages.len();
                self.push(Source::Pages(pages), page_count)?;
            }
            Kind::Text => self.push_flow(text::read(text::decode(&bytes, None)))?,
            Kind::Csv => self.push_flow(text::read_table(text::decode(&bytes, None)))?,
            Kind::Html => self.push_flow(html::read(&bytes))?,
            Kind::Xml => match Invoice::parse(&bytes) {
                Some(invoice) => {
                    self.push_flow(invoice.to_flow())?;
                    self.invoice.get_or_insert(invoice);
                }
                None => return Err(Refusal::Unsupported { mime_type: kind.mime_type().to_owned() }),
            },
            Kind::Email => self.mail(&bytes, depth)?,
            Kind::Zip => return self.archive(bytes, name, depth),
            Kind::LegacyOffice if is_encrypted_office(&bytes) => return Err(Refusal::Encrypted),
            kind if kind.is_readable_image() => {
                let picture = picture::Picture::open(bytes, kind, self.limits)?;
                let page_count = picture.page_count();
                self.push(Source::Picture(picture), page_count)?;
            }
            kind => return Err(Refusal::Unsupported { mime_type: kind.mime_type().to_owned() }),
        }
        Ok(kind)
    }

    fn push(&mut self, source: Source, page_count: usize) -> Result<(), Refusal> {
        self.leaves.push(Leaf { source, page_count });
        self.limits.check_pages(self.leaves.iter().map(|leaf| leaf.page_count).sum())
    }

    fn push_flow(&mut self, flow: Flow) -> Result<(), Refusal> {
        let page = flow.into_page(1);
        if page.words.is_empty() {
            return Err(Refusal::Empty);
        }
        self.push(Source::Pages(vec![page]), 1)
    }

    /// A DOCX without text may be a scan that was put into one.
    fn docx(&mut self, bytes: Vec<u8>) -> Result<(), Refusal> {
        let flow = office::read_docx(bytes.clone(), &mut self.budget)?;
        if flow.blocks.iter().any(|block| !matches!(block, Block::Line(range, _) if range.is_empty())) {
            return self.push_flow(flow);
        }
        let mut package = Package::open(bytes)?;
        let entries = package.entries();
        let before = self.leaves.len();
        for entry in entries.iter().filter(|entry| entry.name.starts_with("word/media/")) {
            self.entry(&mut package, entry, limits::ARCHIVE_DEPTH_MAX)?;
        }
        if self.leaves.len() > before { Ok(()) } else { Err(Refusal::Empty) }
    }

    fn mail(&mut self, bytes: &[u8], depth: usize) -> Result<(), Refusal> {
        let mail = mail::read(bytes, self.budget.documents)?;
        if !mail.body.text.trim().is_empty() {
            self.push_flow(mail.body)?;
        }
        for (name, bytes) in mail.attachments {
            self.part(bytes, &name, depth + 1)?;
        }
        Ok(())
    }

    /// An archive of documents, unless it is an office document whose first bytes did not say so.
    fn archive(&mut self, bytes: Vec<u8>, name: &str, depth: usize) -> Result<Kind, Refusal> {
        let mut package = Package::open(bytes.clone())?;
        let mut entries = package.entries();
        if entries.is_empty() {
            return Err(Refusal::Empty);
        }
        for (main, kind) in [
            ("word/document.xml", Kind::Docx),
            ("xl/workbook.xml", Kind::Xlsx),
            ("ppt/presentation.xml", Kind::Pptx),
        ] {
            if entries.iter().any(|entry| entry.name == main) {
                drop(package);
                return self.read(bytes, kind, name, depth);
            }
        }
        drop(bytes);
        if entries.iter().all(|entry| entry.is_encrypted) {
            return Err(Refusal::Encrypted);
        }
        entries.retain(|entry| !is_hidden(&entry.name));
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        for entry in &entries {
            self.entry(&mut package, entry, depth + 1)?;
        }
        Ok(Kind::Zip)
    }

    /// A file of an archive: unpacked only where its first bytes are those of a document.
    fn entry(&mut self, package: &mut Package, entry: &Entry, depth: usize) -> Result<(), Refusal> {
        if entry.size == 0 && !entry.is_encrypted {
            return Ok(());
        }
        if entry.is_encrypted {
            return self.unreadable(Refusal::Encrypted);
        }
        let head = package.head(entry.index, kind::HEAD_BYTES);
        let kind = kind::detect(&head, &entry.name);
        if !kind.is_readable() && kind != Kind::LegacyOffice && !(kind == Kind::Empty && entry.size > 0) {
            return Ok(());
        }
        match package.unpack(entry.index, &mut self.budget) {
            Ok(bytes) => self.part(bytes, &entry.name, depth),
            Err(refusal @ Refusal::TooMuch { .. }) => Err(refusal),
            Err(refusal) => self.unreadable(refusal),
        }
    }

    fn part(&mut self, bytes: Vec<u8>, name: &str, depth: usize) -> Result<(), Refusal> {
        let kind = kind::detect(&bytes, name);
        let is_document = kind.is_readable() || (kind == Kind::LegacyOffice && is_encrypted_office(&bytes));
        if !is_document {
            return Ok(());
        }
        if depth >= limits::ARCHIVE_DEPTH_MAX && matches!(kind, Kind::Email | Kind::Zip) {
            let deep = limits::ARCHIVE_DEPTH_MAX;
            let what = format!("it holds archives or e-mails within each other, more than {deep} deep");
            return Err(Refusal::TooMuch { what });
        }
        let Some(left) = self.budget.documents.checked_sub(1) else {
            let what = format!("it holds more than {} documents", limits::ARCHIVE_DOCUMENTS_MAX);
            return Err(Refusal::TooMuch { what });
        };
        self.budget.documents = left;
        (self.before)(Step::Open);
        match self.read(bytes, kind, name, depth) {
            Ok(_) => Ok(()),
            Err(
                refusal @ (Refusal::TooMuch { .. } | Refusal::TooManyPages { .. } | Refusal::TooLarge { .. }),
            ) => Err(refusal),
            Err(Refusal::Empty | Refusal::Unsupported { .. }) => Ok(()),
            Err(refusal) => self.unreadable(refusal),
        }
    }

    fn unreadable(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        self.refusal.get_or_insert(refusal);
        self.push(Source::Unreadable, 1)
    }
}

/// Bytes of no known kind, or of text, under a name that promises something with a signature are not what they should be.
fn misnamed(kind: Kind, name: &str) -> Option<Refusal> {
    let claimed = kind::claimed_by(name)?;
    if kind == Kind::Unknown {
        let reason = format!("its name says {}, its content does not", claimed.mime_type());
        return Some(Refusal::Broken { reason });
    }
    kind.is_text().then(|| Refusal::Unsupported {
        mime_type: format!("{} with a name that says {}", kind.mime_type(), claimed.mime_type()),
    })
}

/// Office keeps a package that was encrypted in a container of the old kind, under this name in UTF-16 (MS-OFFCRYPTO).
fn is_encrypted_office(bytes: &[u8]) -> bool {
    let name: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(name.len()).any(|window| window == name)
}

/// What systems put into archives beside documents.
fn is_hidden(name: &str) -> bool {
    name.starts_with("__MACOSX/")
        || name.split('/').any(|part| part.starts_with('.') && part.len() > 1 && part != "..")
}
