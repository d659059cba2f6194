//! `cdr/*` v1.0: call records, a leg a row.

mod csv;
mod filter;
mod row;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use exchange::clock::DisplayClock;
use serde_json::{Map, json};
use store::{CdrField, CdrFilter, CdrSelection, Page, Sort, StoreError};
use tokio::time::timeout;
use wire::{Envelope, rule};

use crate::download::{Access, FileWriter, Label, Progress};
use crate::failure::Failure;
use crate::limits::{CSV_ROWS_AT_ONCE, DOWNLOAD_WAIT, MAX_PAGE_SIZE};
use crate::operations::{Answer, Call};
use crate::page;

/// One page of all records.
pub async fn list(call: Call) -> Answer {
    let filter = filter::of_list(&call);
    answer(&call, filter).await
}

/// One page of the records that match.
pub async fn search(call: Call) -> Answer {
    let filter = filter::of_search(&call)?;
    answer(&call, filter).await
}

/// Makes a CSV file of the records that match, and says where it is fetched. It
/// is answered when the file is there or, where that takes long, while it grows.
pub async fn download(call: Call) -> Answer {
    let selection = match filter::of_search(&call)? {
        Some(filter) => {
            let store = call.app.handle.store();
            Some(store.cdr_select(&filter, Sort::default()).await?)
        }
        None => None,
    };
    let identity = call.app.handle.identity();
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let (item, writer) = call.app.shelf.begin(Label {
        name: format!("CDR-{}", identity.clock.compact(now)),
        extension: "csv",
        content_type: "text/csv; charset=utf-8; header=present",
        access: Access::Token,
    })?;
    let clock = Arc::new(identity.clock.clone());
    tokio::spawn(async move {
        if let Err(failure) = write(selection, clock, writer).await {
            tracing::error!(?failure, "a file of call records is not finished");
        }
    });
    if let Ok(Progress::Failed) = timeout(DOWNLOAD_WAIT, item.settled()).await {
        return Err(Failure::Internal("a file of call records failed".into()));
    }
    let mut members = Map::new();
    members.insert("file".into(), json!(item.name));
    members.insert("download_resource_url".into(), json!(item.url()));
    Ok(Envelope::ok(members))
}

/// How the records are searched.
pub async fn getoption(call: Call) -> Answer {
    let settings = call.app.handle.settings();
    Ok(Envelope::ok(settings.single(call.operation.path)?))
}

/// Changes how the records are searched.
pub async fn updateoption(call: Call) -> Answer {
    let settings = call.app.handle.settings();
    let path = call.operation.path;
    Ok(Envelope::ok(
        settings.update_single(path, call.params).await?,
    ))
}

/// A page of the records that match; of none where there is no filter.
async fn answer(call: &Call, filter: Option<CdrFilter>) -> Answer {
    let page = page::read(call, MAX_PAGE_SIZE)?;
    let sort = sort(call)?;
    let (total, records) = match filter {
        Some(filter) => {
            let page = Page::new(bounded(page.number), bounded(page.size));
            let found = call.app.handle.store().cdr_page(&filter, page, sort);
            match found.await {
                // So many different values that no bounded memory sorts them.
                Err(StoreError::TooMuch) => {
                    return Err(Failure::member("sort_by", call.text("sort_by"), rule::MAX));
                }
                found => found?,
            }
        }
        None => (0, Vec::new()),
    };
    let clock = call.app.handle.identity().clock.clone();
    let rows = tokio::task::spawn_blocking(move || row::rows(&records, &clock));
    let mut members = Map::new();
    members.insert("total_number".into(), json!(total));
    Ok(Envelope {
        text: Some(("data", rows.await.map_err(internal)?.map_err(internal)?)),
        ..Envelope::ok(members)
    })
}

fn sort(call: &Call) -> Result<Sort, Failure> {
    let field = match call.text("sort_by") {
        Some(name) => CdrField::from_wire(name)
            .ok_or_else(|| Failure::member("sort_by", Some(name), rule::ENUM))?,
        None => CdrField::default(),
    };
    Ok(Sort {
        field,
        descending: call.text("order_by") == Some("desc"),
    })
}

fn bounded(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Writes the file, some rows at a time.
async fn write(
    selection: Option<CdrSelection>,
    clock: Arc<DisplayClock>,
    mut writer: FileWriter,
) -> Result<(), Failure> {
    writer = put(writer, csv::header).await?;
    let total = selection.as_ref().map_or(0, CdrSelection::total);
    let mut written = 0;
    while let Some(selection) = &selection
        && written < total
    {
        let rows = selection.rows(written, CSV_ROWS_AT_ONCE).await?;
        if rows.is_empty() {
            return Err(Failure::Internal("records have gone".into()));
        }
        written += rows.len() as u64;
        let clock = clock.clone();
        writer = put(writer, move || csv::lines(&rows, &clock)).await?;
    }
    let finished = tokio::task::spawn_blocking(move || writer.finish()).await;
    finished.map_err(internal)?.map_err(internal)
}

/// Makes text and adds it to a file, where that keeps nobody waiting.
async fn put(
    mut writer: FileWriter,
    text: impl FnOnce() -> Result<Vec<u8>, ::csv::Error> + Send + 'static,
) -> Result<FileWriter, Failure> {
    tokio::task::spawn_blocking(move || {
        let text = text().map_err(internal)?;
        writer.write(&text).map_err(internal)?;
        Ok(writer)
    })
    .await
    .map_err(internal)?
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::Internal(error.to_string())
}
