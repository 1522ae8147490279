//! Documents of examples are read, as jobs are, but for their sheets alone.

use super::{Halt, written};
use crate::jobs::{Bench, Reader, Shelf, Stop};
use domain::{hub::Hub, job::Outcome, limits};
use insights::worker::{Extract, Open};
use store::{
    blobs::BlobKey,
    learning::{ClaimedHub, DocumentToRead, NewSheet, SheetKey},
};

/// Reads documents of a claimed hub's examples for a while, and gives the hub back.
pub(super) async fn read_documents(bench: &Bench, claimed: ClaimedHub, hub: &Hub) -> Result<(), Halt> {
    let learning = bench.store.learning();
    let until = bench.ctx.now().plus(limits::LEARN_READ_TIME);
    let org_id = claimed.lease.org_id;
    while let Some(example) = learning.next_to_read(org_id, hub.id).await? {
        let read = match read(bench, claimed, hub, &example).await {
            Ok(sheet) => Ok(sheet),
            Err(Stop::Ended(Outcome::Failed(code, message))) => Err(format!("{}: {message}", code.as_str())),
            Err(Stop::Ended(Outcome::Rejected(code, message))) => {
                Err(format!("{}: {message}", code.as_str()))
            }
            Err(Stop::Ended(Outcome::Completed(_))) => Err("it was not read".to_owned()),
            Err(Stop::Back(why)) => return Err(Halt::Failed(why)),
            Err(Stop::Lost) => return Err(Halt::Lost),
        };
        if !learning.mark_read(claimed.lease, example.id, read, bench.ctx.now()).await? {
            return Err(Halt::Lost);
        }
        if bench.ctx.now() >= until {
            break;
        }
    }
    learning.release(claimed.lease).await?;
    Ok(())
}

async fn read(
    bench: &Bench,
    claimed: ClaimedHub,
    hub: &Hub,
    example: &DocumentToRead,
) -> Result<NewSheet, Stop> {
    let org_id = claimed.lease.org_id;
    let Some((file_id, name, sha256)) = &example.document else {
        let gone = Outcome::Failed(domain::job::Failure::ProcessingFailed, "the file is gone".to_owned());
        return Err(Stop::Ended(gone));
    };
    let shelf = Shelf { store: &bench.store, client: &bench.client, directory: &bench.directory };
    let local = shelf.copy(BlobKey { org_id, file_id: *file_id }, *sha256).await?;
    let open = Open {
        path: local.path().to_owned(),
        name: name.clone(),
        limits: bench.document,
        hubs: Vec::new(),
        profiles: Vec::new(),
        languages: hub.languages.clone(),
        embedded_data: false,
        unreadable_pages: Vec::new(),
    };
    let back = |error: std::io::Error| Stop::Back(error.to_string());
    let sheet = bench.files.blank().map_err(back)?;
    let mut reader = Reader::new(bench.sandbox.lease().await, open);
    reader.open().await?;
    let extract = Extract { sheet: Some(sheet.path().to_owned()), ..Extract::new(hub.clone()) };
    reader.extract(extract).await?;
    let bytes = written(&sheet, limits::SHEET_BYTES_MAX).map_err(back)?;
    let (key, size_bytes) = (SheetKey::from(example.id), bytes.len() as u64);
    bench.store.blobs().put_sheet(org_id, key, bytes.into()).await?;
    Ok(NewSheet { key, hub_id: hub.id, job_id: None, sha256: *sha256, size_bytes })
}
