//! A job's columns, in the one order in which they are written and read.

use crate::{
    db::{FromRow, Row},
    error::{Error, Result},
    rows::Json,
};
use domain::{
    job::{Document, Job, JobError, JobStatus, Operation},
    metadata::Metadata,
};
use serde_json::value::RawValue;

macro_rules! columns {
    () => {
        "id, status, created_at, updated_at, started_at, completed_at, error_code, error_message, hub_id, hub_name, \
         metadata, file_id, file_name, mime_type, size_bytes, page_count, hub_version, review_recommended"
    };
}
pub(super) use columns;

/// A job without its output.
pub(super) struct Bare(pub Job);

/// A job whose next column is its output.
pub(super) struct WithOutput(pub Job);

impl FromRow for Bare {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let (id, status) = (row.take()?, row.take::<JobStatus>()?);
        let (created_at, updated_at) = (row.take()?, row.take()?);
        let (started_at, completed_at) = (row.take()?, row.take()?);
        let (code, message) = (row.take::<Option<String>>()?, row.take::<Option<String>>()?);
        let error = code.map(|code| JobError { code, message: message.unwrap_or_default() });
        let (hub_id, hub_name) = (row.take()?, row.take()?);
        let metadata = row.take::<Option<Json<Metadata>>>()?.map(|Json(metadata)| metadata);
        let document = Document {
            file_id: row.take()?,
            file_name: row.take()?,
            mime_type: row.take()?,
            size_bytes: row.take()?,
            page_count: row.take()?,
        };
        Ok(Self(Job {
            id,
            operation: Operation::Extract,
            status,
            output_available: status == JobStatus::Completed,
            created_at,
            updated_at,
            started_at,
            completed_at,
            error,
            hub_id,
            hub_name,
            hub_version: row.take()?,
            review_recommended: row.take()?,
            metadata,
            document,
            output: None,
        }))
    }
}

impl FromRow for WithOutput {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let Bare(mut job) = Bare::from_row(row)?;
        let output: Option<String> = row.take()?;
        job.output = output.map(RawValue::from_string).transpose().map_err(Error::corrupt)?;
        Ok(Self(job))
    }
}
