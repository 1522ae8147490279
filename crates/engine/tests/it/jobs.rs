//! Jobs from the queue to their end, with real documents in real child processes.

use super::world::{Backend, World, on_both};
use domain::{
    hub::{BusinessKey, Duplicates, Hub},
    id::UlidId,
    job::{Job, JobStatus},
    limits,
    metadata::Metadata,
};
use std::time::Duration;
use store::NodeId;
use testkit::{
    pdf::text_pages,
    receiver::{Behavior, Receiver},
};

const INVOICE: &str = "INVOICE\nInvoice number: INV-0042\nInvoice date: 2026-02-01\nNet total: 100.00 EUR\n\
    VAT 19%: 19.00 EUR\nTotal: 119.00 EUR";

fn code(job: &Job) -> (JobStatus, &str) {
    (job.status, job.error.as_ref().map_or("", |error| error.code.as_str()))
}

on_both! {
    async fn a_document_ends_as_typed_fields_and_one_event(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        world.subscribe(&receiver).await;
        world.start();
        let id = world.submit(&text_pages(&[INVOICE, "second page"]), None).await;
        let job = world.ended(id).await;
        assert_eq!(code(&job), (JobStatus::Completed, ""), "{job:?}");
        assert_eq!(job.document.page_count, Some(2));
        assert_eq!(job.hub_name.as_deref(), Some("Invoices"));
        let request = receiver.request(1).await;
        let sent = &request.json()["data"];
        assert_eq!(sent["output"], serde_json::to_value(&job).unwrap()["output"]);
        assert_eq!(sent["output"]["fieldCount"].as_u64(), Some(world.hubs[0].fields.len() as u64));
        assert_eq!(request.json()["occurredAt"], sent["completedAt"]);
    }

    async fn what_cannot_be_read_is_rejected_with_its_code(world: World) {
        let mut world = world;
        world.start();
        let whole = text_pages(&[INVOICE]);
        let cases: [(&str, &[u8], &str); 4] = [
            ("empty.pdf", b"", "EMPTY_FILE"),
            ("half.pdf", &whole[..60], "BROKEN_FILE"),
            ("film.mp4", b"\0\0\0\x18ftypmp42", "UNSUPPORTED_DOCUMENT"),
            ("data.zip", b"PK\x03\x04 and so on", "BROKEN_FILE"),
        ];
        for (name, bytes, expected) in cases {
            let id = world.submit_as(name, bytes, None, Metadata::new()).await;
            let job = world.ended(id).await;
            assert_eq!(code(&job), (JobStatus::Rejected, expected), "{name}: {:?}", job.error);
            assert!(job.started_at.is_none());
        }
        let pages = vec!["x"; limits::DOCUMENT_PAGES_MAX as usize + 1];
        let id = world.submit(&text_pages(&pages), None).await;
        assert_eq!(code(&world.ended(id).await), (JobStatus::Rejected, "TOO_MANY_PAGES"));
    }

    async fn a_language_that_a_hub_does_not_read_is_named(world: World) {
        let mut world = world;
        let hub = Hub { languages: vec!["en".to_owned(), "fr".to_owned()], ..world.hubs[0].clone() };
        assert!(world.store.hubs().update(world.org_id, hub, world.ctx.now()).await.unwrap());
        world.start();
        let german = "Bitte überweisen Sie den Rechnungsbetrag innerhalb von vierzehn Tagen auf das unten genannte Konto. \
            Wir danken für Ihren Auftrag und freuen uns auf die weitere Zusammenarbeit. Die Lieferung erfolgte am \
            vereinbarten Tag, und alle Preise verstehen sich zuzüglich der gesetzlichen Mehrwertsteuer.";
        let english = "Please transfer the amount due within thirty days of the date of this invoice. If you have any \
            questions about this invoice, call the number below. Thank you for your business and your trust in us.";
        let hub_id = Some(world.hubs[0].id);
        let refused = world.submit_as("brief.txt", german.as_bytes(), hub_id, Metadata::new()).await;
        let refused = world.ended(refused).await;
        assert_eq!(code(&refused), (JobStatus::Rejected, "UNSUPPORTED_LANGUAGE"));
        let message = refused.error.unwrap().message;
        assert!(message.contains("German (`de`)") && message.contains("English (`en`), French (`fr`)"), "{message}");
        let read = world.submit_as("letter.txt", english.as_bytes(), hub_id, Metadata::new()).await;
        assert_eq!(code(&world.ended(read).await), (JobStatus::Completed, ""));
    }

    async fn the_same_document_twice_is_a_duplicate_unless_the_hub_allows_it(world: World) {
        let mut world = world;
        world.start();
        let document = text_pages(&[INVOICE]);
        let first = world.submit(&document, None).await;
        world.clock.advance(Duration::from_millis(1));
        let second = world.submit(&document, None).await;
        assert_eq!(code(&world.ended(first).await), (JobStatus::Completed, ""));
        let refused = world.ended(second).await;
        assert_eq!(code(&refused), (JobStatus::Rejected, "DUPLICATE_DOCUMENT"));
        assert!(refused.error.unwrap().message.contains(&first.to_string()), "names the earlier job");

        let hub = Hub { duplicates: Duplicates::Allow, ..world.hubs[0].clone() };
        assert!(world.store.hubs().update(world.org_id, hub, world.ctx.now()).await.unwrap());
        let third = world.submit(&document, Some(world.hubs[0].id)).await;
        assert_eq!(code(&world.ended(third).await), (JobStatus::Completed, ""));
    }

    async fn the_same_text_and_the_same_transaction_are_known_again(world: World) {
        let mut world = world;
        world.start();
        let key = BusinessKey { fields: vec!["invoiceNumber".into()], duplicates: Duplicates::Reject };
        let hub = Hub {
            near_duplicates: Duplicates::Reject,
            business_key: Some(key),
            ..world.hubs[0].clone()
        };
        assert!(world.store.hubs().update(world.org_id, hub, world.ctx.now()).await.unwrap());
        let hub = Some(world.hubs[0].id);
        let first = world.submit(&text_pages(&[INVOICE]), hub).await;
        assert_eq!(code(&world.ended(first).await), (JobStatus::Completed, ""));
        // Another file with the same text: the key says so first.
        let again = world.submit(&text_pages(&[&format!("{INVOICE}\n")]), hub).await;
        let refused = world.ended(again).await;
        assert_eq!(code(&refused), (JobStatus::Rejected, "DUPLICATE_DOCUMENT"));
        assert!(refused.started_at.is_none(), "refused before it was processed");
        let reminder = INVOICE.replace("INVOICE\n", "REMINDER\nThis invoice is still open, please pay it soon\n");
        let reminder = world.submit(&text_pages(&[&reminder]), hub).await;
        let refused = world.ended(reminder).await;
        assert_eq!(code(&refused), (JobStatus::Rejected, "DUPLICATE_DOCUMENT"));
        let message = refused.error.unwrap().message;
        assert!(message.contains(&first.to_string()) && message.contains("invoiceNumber"), "{message}");
        let next = INVOICE.replace("0042", "0043");
        let next = world.submit(&text_pages(&[&next]), hub).await;
        assert_eq!(code(&world.ended(next).await), (JobStatus::Completed, ""), "the next invoice");

        let hub = Hub { business_key: None, version: 2, near_duplicates: Duplicates::Reject, ..world.hubs[0].clone() };
        assert!(world.store.hubs().update(world.org_id, hub, world.ctx.now()).await.unwrap());
        let again = world.submit(&text_pages(&[&format!("{INVOICE}\n\n")]), Some(world.hubs[0].id)).await;
        let refused = world.ended(again).await;
        assert_eq!(code(&refused), (JobStatus::Rejected, "DUPLICATE_DOCUMENT"));
        assert!(refused.error.unwrap().message.contains("same text"));
    }

    async fn languages_and_hubs_are_checked(world: World) {
        let mut world = world;
        world.start();
        let german = "Bitte überweisen Sie den Rechnungsbetrag innerhalb von vierzehn Tagen auf das unten\n\
            genannte Konto. Wir danken für Ihren Auftrag und freuen uns auf die weitere Zusammenarbeit.\n\
            Die Lieferung erfolgte am vereinbarten Tag, und alle Preise verstehen sich zuzüglich der\n\
            gesetzlichen Mehrwertsteuer. Mit freundlichen Grüßen aus unserem Hause in der großen Stadt.";
        let hub = Hub { languages: vec!["en".into()], ..world.hubs[0].clone() };
        assert!(world.store.hubs().update(world.org_id, hub, world.ctx.now()).await.unwrap());
        let id = world.submit(&text_pages(&[&german.replace('ü', "u").replace('ö', "o").replace('ß', "s")]), Some(world.hubs[0].id)).await;
        assert_eq!(code(&world.ended(id).await), (JobStatus::Rejected, "UNSUPPORTED_LANGUAGE"));

        assert!(world.store.hubs().set_enabled(world.org_id, world.hubs[1].id, false, world.ctx.now()).await.unwrap());
        let id = world.submit(&text_pages(&[INVOICE]), Some(world.hubs[1].id)).await;
        assert_eq!(code(&world.ended(id).await), (JobStatus::Rejected, "NO_HUB"));
    }

    async fn a_document_that_breaks_its_readers_fails_and_harms_nobody(world: World) {
        let mut world = world;
        world.start();
        for word in ["ABORT", "PANIC"] {
            let id = world.submit(&text_pages(&[word]), None).await;
            assert_eq!(code(&world.ended(id).await), (JobStatus::Failed, "PROCESSING_FAILED"), "{word}");
        }
        let id = world.submit(&text_pages(&[INVOICE]), None).await;
        assert_eq!(world.ended(id).await.status, JobStatus::Completed);
    }

    async fn documents_are_fetched_by_url(world: World) {
        let mut world = world;
        let shelf = Receiver::start().await.unwrap();
        shelf.script([Behavior::status(200).body(text_pages(&[INVOICE])), Behavior::status(404)]);
        world.start();
        let id = world.submit_url(&shelf.url("/invoices/42.pdf")).await;
        let job = world.ended(id).await;
        assert_eq!(code(&job), (JobStatus::Completed, ""), "{job:?}");
        assert_eq!(job.document.file_name, "42.pdf");
        assert_eq!(job.document.mime_type.as_deref(), Some("application/pdf"));
        let file = world.store.files().get(world.org_id, job.document.file_id).await.unwrap().unwrap();
        assert_eq!(Some(file.file.size_bytes), job.document.size_bytes);

        let id = world.submit_url(&shelf.url("/gone")).await;
        let job = world.ended(id).await;
        assert_eq!(code(&job), (JobStatus::Rejected, "DOCUMENT_UNREACHABLE"));
        assert!(job.error.unwrap().message.contains("404"));
        let id = world.submit_url("http://10.0.0.1/x.pdf").await;
        assert_eq!(code(&world.ended(id).await), (JobStatus::Rejected, "DOCUMENT_UNREACHABLE"));
    }

    async fn a_job_whose_workers_are_lost_is_given_up(world: World) {
        let mut world = world;
        let id = world.submit(&text_pages(&[INVOICE]), None).await;
        let dead = NodeId::random(&world.ctx);
        for _ in 0..limits::JOB_ATTEMPTS_MAX {
            let now = world.ctx.now();
            assert_eq!(world.store.jobs().claim(&dead, 1, now, limits::JOB_LEASE).await.unwrap().len(), 1);
            world.clock.advance(limits::JOB_LEASE + Duration::from_secs(1));
        }
        world.start();
        assert_eq!(code(&world.ended(id).await), (JobStatus::Failed, "PROCESSING_FAILED"));
    }

    async fn a_worker_that_lost_its_lease_changes_nothing(world: World) {
        let mut world = world;
        let slow = Receiver::start().await.unwrap();
        let document = text_pages(&[INVOICE]);
        slow.always(Behavior::status(200).body(document).after(Duration::from_millis(300)));
        world.start();
        let id = world.submit_url(&slow.url("/slow.pdf")).await;
        slow.request(1).await;
        let cancelled = world.store.jobs().cancel(world.org_id, id, world.ctx.now()).await.unwrap();
        assert!(matches!(cancelled, store::jobs::Cancelled::Done(_)));
        // A second job on the same file proves that the first one's worker is through.
        let second = world.submit_url(&slow.url("/slow.pdf")).await;
        assert_eq!(world.ended(second).await.status, JobStatus::Completed);
        assert_eq!(code(&world.ended(id).await), (JobStatus::Failed, "CANCELLED"));
        let page = domain::page::PageRequest::default();
        let events = world.store.events().list(world.org_id, Default::default(), page).await.unwrap();
        assert_eq!(events.data.len(), 2, "one event for each end");
        assert!(id.to_bytes() != second.to_bytes());
    }
}
