//! `file`: a stored file read into a value, a value stored as a file, another format of one, several in an archive.
//!
//! A file that a step makes has an id that follows from the run and the step, so that doing it again makes no second one.

use super::{
    Parts,
    begin::{Filled, Step, Stop},
    csv,
    decide::{Run, unavailable},
    encoding::text,
    zip,
};
use base64::Engine;
use bytes::Bytes;
use domain::{
    file::{File, clean_name},
    id::{FileId, OrgId, RunId, UlidId},
    kind, limits,
    run::FileNode,
};
use flow::{
    ir::{ConvertTo, Encoding, FileAction, ReadAs},
    run::{Failure, Output},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{blobs::BlobKey, files::StoredFile};

/// A file operation with all its values.
pub(super) struct FileWork {
    org_id: OrgId,
    /// Of the file that it makes.
    id: FileId,
    work: Work,
}

enum Work {
    Read(FileId, ReadAs, Option<Encoding>),
    Write { name: String, content: Value },
    Convert(FileId, ConvertTo, Option<Encoding>),
    Zip { name: String, files: Vec<FileId> },
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::permanent("STEP_INPUT_INVALID", message)
}

/// A file node's id, or the id itself.
pub(super) fn id_of(value: &Value) -> Option<FileId> {
    value.as_str().or_else(|| value.get("fileId")?.as_str())?.parse().ok()
}

pub(super) fn file_id(run_id: RunId, name: &str, attempt: u32) -> FileId {
    let digest = Sha256::new()
        .chain_update(run_id.to_bytes())
        .chain_update(name.as_bytes())
        .chain_update(attempt.to_be_bytes())
        .finalize();
    // A run's first six bytes are a time, as an id's are.
    FileId::from_bytes(std::array::from_fn(|i| if i < 6 { run_id.to_bytes()[i] } else { digest[i] }))
}

pub(super) async fn prepare(
    filled: &Filled<'_>,
    action: &FileAction,
    run: &Run,
    step: &Step<'_>,
) -> Result<FileWork, Stop> {
    let id_in = |value: &Value| id_of(value).ok_or_else(|| invalid("file must be a file or a file id"));
    let work = match action {
        FileAction::Read { file, format, encoding } => {
            Work::Read(id_in(&filled.value(file).await?)?, *format, *encoding)
        }
        FileAction::Write { name, content } => {
            Work::Write { name: filled.text(name, "name").await?, content: filled.value(content).await? }
        }
        FileAction::Convert { file, to, encoding } => {
            Work::Convert(id_in(&filled.value(file).await?)?, *to, *encoding)
        }
        FileAction::Zip { name, files } => {
            let name = filled.text(name, "name").await?;
            let Value::Array(files) = filled.value(files).await? else {
                return Err(invalid("files must be an array of files").into());
            };
            if files.len() > limits::RUN_ZIP_FILES_MAX {
                return Err(invalid(format!("more than {} files", limits::RUN_ZIP_FILES_MAX)).into());
            }
            Work::Zip { name, files: files.iter().map(id_in).collect::<Result<_, _>>()? }
        }
    };
    Ok(FileWork {
        org_id: run.org_id,
        id: file_id(run.lease.run_id, &step.key.to_string(), step.attempt),
        work,
    })
}

impl FileWork {
    pub(super) async fn perform(self, parts: &Parts) -> Result<Output, Failure> {
        let value = match self.work {
            Work::Read(id, format, encoding) => {
                let (_, bytes) = read(parts, self.org_id, id, limits::RUN_FILE_READ_BYTES_MAX).await?;
                json!({"content": content(&bytes, format, encoding)?})
            }
            Work::Write { name, content } => {
                let bytes = match content {
                    Value::String(text) => text.into_bytes(),
                    value => value.to_string().into_bytes(),
                };
                make(parts, self.org_id, (self.id, &name), bytes).await?
            }
            Work::Convert(id, to, encoding) => {
                let (file, bytes) = read(parts, self.org_id, id, limits::RUN_FILE_READ_BYTES_MAX).await?;
                let (ending, bytes) = convert(&bytes, to, encoding)?;
                let stem = file.name.rsplit_once('.').map_or(file.name.as_str(), |(stem, _)| stem);
                make(parts, self.org_id, (self.id, &format!("{stem}.{ending}")), bytes).await?
            }
            Work::Zip { name, files } => {
                let mut archive = zip::Archive::default();
                for id in files {
                    let (file, bytes) = read(parts, self.org_id, id, limits::UPLOAD_BYTES_MAX).await?;
                    archive.add(&file.name, &bytes).map_err(|error| invalid(error.to_string()))?;
                    if archive.len() as u64 > limits::UPLOAD_BYTES_MAX {
                        return Err(Failure::permanent(
                            "FILE_TOO_LARGE",
                            "the archive would be larger than a file may be",
                        ));
                    }
                }
                make(parts, self.org_id, (self.id, &name), archive.finish()).await?
            }
        };
        Ok(Output::Inline(value))
    }
}

async fn read(parts: &Parts, org_id: OrgId, id: FileId, bytes_max: u64) -> Result<(File, Bytes), Failure> {
    let stored = parts.store.files().get(org_id, id).await.map_err(|error| away(&error))?;
    let gone = || Failure::permanent("FILE_GONE", format!("there is no file {id}"));
    let file = stored.ok_or_else(gone)?.file;
    if file.size_bytes > bytes_max {
        let message = format!("{} has more than {bytes_max} bytes", file.name);
        return Err(Failure::permanent("FILE_TOO_LARGE", message));
    }
    let bytes =
        parts.store.blobs().read(BlobKey { org_id, file_id: id }).await.map_err(|error| away(&error))?;
    Ok((file, bytes.ok_or_else(gone)?))
}

fn away(error: &store::Error) -> Failure {
    tracing::warn!(%error, "a file of a run cannot be reached");
    unavailable("FILE_UNAVAILABLE", "the storage cannot be reached")
}

async fn make(parts: &Parts, org_id: OrgId, place: (FileId, &str), bytes: Vec<u8>) -> Result<Value, Failure> {
    if bytes.len() as u64 > limits::UPLOAD_BYTES_MAX {
        return Err(Failure::permanent("FILE_TOO_LARGE", "the file would be larger than a file may be"));
    }
    let stored = keep(parts, org_id, place, bytes).await.map_err(|error| away(&error))?;
    let node = FileNode::from(&stored.file);
    parts.store.runs().keep_file(org_id, stored).await.map_err(|error| away(&error))?;
    Ok(json!(node))
}

/// Stores bytes as a blob; the row that its file is to get.
pub(super) async fn keep(
    parts: &Parts,
    org_id: OrgId,
    (id, name): (FileId, &str),
    bytes: Vec<u8>,
) -> store::Result<StoredFile> {
    let name = clean_name(name);
    let head = &bytes[..bytes.len().min(kind::HEAD_BYTES)];
    let file = File {
        id,
        mime_type: match name.ends_with(".json") {
            true => "application/json".to_owned(),
            false => kind::detect(head, &name).mime_type().to_owned(),
        },
        name,
        size_bytes: bytes.len() as u64,
        created_at: parts.ctx.now(),
    };
    let sha256 = Sha256::digest(&bytes).into();
    parts.store.blobs().put(BlobKey { org_id, file_id: id }, Bytes::from(bytes)).await?;
    Ok(StoredFile { file, sha256 })
}

fn json_of(bytes: &[u8], encoding: Option<Encoding>) -> Result<Value, Failure> {
    let parsed = serde_json::from_str(&text(bytes, encoding)?);
    parsed.map_err(|error| Failure::permanent("FILE_NOT_JSON", format!("the file is not JSON: {error}")))
}

fn content(bytes: &[u8], format: ReadAs, encoding: Option<Encoding>) -> Result<Value, Failure> {
    match format {
        ReadAs::Text => Ok(Value::String(text(bytes, encoding)?)),
        ReadAs::Json => json_of(bytes, encoding),
        ReadAs::Csv => csv::parse(&text(bytes, encoding)?).map_err(invalid),
        ReadAs::Base64 => Ok(Value::String(base64::engine::general_purpose::STANDARD.encode(bytes))),
    }
}

fn convert(
    bytes: &[u8],
    to: ConvertTo,
    encoding: Option<Encoding>,
) -> Result<(&'static str, Vec<u8>), Failure> {
    match to {
        ConvertTo::Text => Ok(("txt", text(bytes, encoding)?.into_bytes())),
        ConvertTo::Json => {
            Ok(("json", csv::parse(&text(bytes, encoding)?).map_err(invalid)?.to_string().into_bytes()))
        }
        ConvertTo::Csv => Ok(("csv", csv::write(&json_of(bytes, encoding)?).map_err(invalid)?.into_bytes())),
    }
}
