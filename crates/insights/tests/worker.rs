//! The child's side of the conversation, over memory instead of pipes.
// Helpers of tests may panic as tests do.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::Cursor;

use domain::extraction::ExtractionOutput;
use domain::hub::Hub;
use domain::id::HubId;
use domain::kind::Kind;
use insights::learn;
use insights::page::Page;
use insights::read::{Refusal, Step};
use insights::worker::message::{self, encode};
use insights::worker::{Answer, Extract, Hear, HubChoice, Open, Request, Work, run};
use support::{A4, LETTER, Sheet, document, lines};

fn hub(number: u8) -> Hub {
    Hub::new(HubId::from_bytes([number; 12]), format!("Hub {number}"), Vec::new())
}

fn choose_last(_: &[Page], hubs: &[Hub], _: &[Option<learn::Profile>]) -> Option<HubChoice> {
    hubs.last().map(|hub| HubChoice { hub_id: hub.id, confidence: 0.5 })
}

const WORK: Work = Work {
    choose_hub: choose_last,
    extract: |pages, hub, _| (ExtractionOutput::new(Vec::new()), learn::Sheet::of(pages, hub)),
};

fn open(path: &std::path::Path) -> Open {
    Open {
        path: path.to_owned(),
        name: "letter.pdf".to_owned(),
        limits: Default::default(),
        hubs: Vec::new(),
        profiles: Vec::new(),
        languages: Vec::new(),
        embedded_data: true,
        unreadable_pages: Vec::new(),
    }
}

fn extract(hub: Hub) -> Request {
    Request::Extract(Box::new(Extract::new(hub)))
}

/// All answers to all requests.
fn converse(requests: &[Request], work: Work) -> Vec<Answer> {
    let input: Vec<u8> = requests.iter().flat_map(|request| encode(request).unwrap()).collect();
    let mut output = Vec::new();
    run(Cursor::new(input), &mut output, work).unwrap();
    let mut answers = Cursor::new(output);
    std::iter::from_fn(|| message::receive(&mut answers, 1_000_000).unwrap()).collect()
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn three_pages() -> Vec<u8> {
    let content = lines(LETTER, 11);
    let sheets: Vec<Sheet<'_>> = (0..3).map(|_| Sheet { content: content.as_bytes(), entries: A4 }).collect();
    document(&sheets, None)
}

#[test]
fn opening_reads_one_page_and_extraction_the_rest() {
    let file = file(&three_pages());
    let ask = Open { hubs: vec![hub(1), hub(2)], ..open(file.path()) };
    let answers = converse(&[Request::Open(Box::new(ask)), extract(hub(2)), extract(hub(1))], WORK);
    let [
        Answer::Progress(Step::Read(1)),
        Answer::Opened(opened),
        Answer::Progress(Step::Read(2)),
        Answer::Progress(Step::Read(3)),
        Answer::Progress(Step::Extract),
        Answer::Extracted(first),
        Answer::Progress(Step::Extract),
        Answer::Extracted(second),
    ] = &answers[..]
    else {
        panic!("{answers:#?}")
    };
    assert_eq!((opened.kind, opened.page_count), (Kind::Pdf, 3));
    assert_eq!(opened.choice.as_ref().map(|choice| choice.hub_id), Some(hub(2).id));
    assert_eq!(opened.language.as_ref().map(|language| language.code.as_str()), Some("en"));
    assert_eq!(first.output.get(), r#"{"fieldCount":0,"fields":[]}"#);
    assert_eq!((second.page_count, &second.ocr_pages, &second.unreadable_pages), (3, &vec![], &vec![]));
}

#[test]
fn a_second_reader_is_weighed_after_an_extraction() {
    let file = file(&three_pages());
    let with_text = Request::Extract(Box::new(Extract { with_text: true, ..Extract::new(hub(1)) }));
    let hear = || Request::Hear(Box::new(Hear { hub: hub(1), answers: Default::default() }));
    let answers = converse(&[Request::Open(Box::new(open(file.path()))), hear(), with_text, hear()], WORK);
    assert!(
        answers.iter().any(|answer| matches!(answer, Answer::Failed { .. })),
        "there was nothing to weigh"
    );
    let extracted: Vec<_> = answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Extracted(extracted) => Some(extracted),
            _ => None,
        })
        .collect();
    let text = extracted[0].text.as_deref().unwrap();
    assert!(text.starts_with("Northwind Traders Ltd\n12 Harbour Street\n"), "{text}");
    assert_eq!((extracted[1].output.get(), &extracted[1].text), (extracted[0].output.get(), &None));
}

#[test]
fn pages_that_broke_a_worker_are_reported_unread() {
    let file = file(&three_pages());
    let ask = Open { unreadable_pages: vec![2], ..open(file.path()) };
    let answers = converse(&[Request::Open(Box::new(ask)), extract(hub(1))], WORK);
    let Some(Answer::Extracted(extracted)) = answers.last() else { panic!("{answers:#?}") };
    assert_eq!(extracted.unreadable_pages, [2]);
}

#[test]
fn a_refused_document_leaves_the_worker_usable() {
    let (empty, whole) = (file(b""), file(&three_pages()));
    let answers = converse(
        &[
            Request::Open(Box::new(open(empty.path()))),
            extract(hub(1)),
            Request::Open(Box::new(open(std::path::Path::new("/nowhere/at/all")))),
            Request::Open(Box::new(open(whole.path()))),
        ],
        WORK,
    );
    let [
        Answer::Refused(refused),
        Answer::Failed { message: nothing_open },
        Answer::Failed { .. },
        Answer::Progress(_),
        Answer::Opened(_),
    ] = &answers[..]
    else {
        panic!("{answers:#?}")
    };
    assert_eq!(refused.refusal, Refusal::Empty);
    assert_eq!(nothing_open, "no document is open");
}

#[test]
fn a_panic_is_an_answer() {
    let file = file(&three_pages());
    let work = Work { extract: |_, _, _| panic!("a field of zero width"), ..WORK };
    let ask = || Request::Open(Box::new(open(file.path())));
    let answers = converse(&[ask(), extract(hub(1)), ask()], work);
    let crashed = answers.iter().position(|answer| matches!(answer, Answer::Crashed { .. })).unwrap();
    let Answer::Crashed { message } = &answers[crashed] else { unreachable!("it was found by its kind") };
    assert_eq!(message, "a field of zero width");
    assert!(matches!(answers.last(), Some(Answer::Opened(_))));
}

#[test]
fn an_input_that_is_no_request_ends_the_worker() {
    for bytes in [&b"\x02\0\0\0{}"[..], b"\xff\xff\xff\xff", b"\x10\0\0\0{", b"\x10\0"] {
        assert!(run(Cursor::new(bytes), Vec::new(), WORK).is_err(), "{bytes:?}");
    }
}
