//! Reads a session's inbox rows.

use std::{ops::Range, sync::Arc};

use chasqui_domain::Offset;
use chasqui_store::InboxRow;
use chasqui_wire::{Code, entry};

use crate::{
    limits,
    queue::Delivery,
    registry::Handle,
    render::{self, Rendered},
    shared::Shared,
};

/// Rows, and whether they are all; or why the session must end.
pub(crate) type PageRead = Result<(Vec<Delivery>, bool), Code>;

/// Why a page can't be read.
enum Failure {
    /// Now.
    Away(String),
    /// Ever, by this build.
    Unreadable,
}

/// Reads the next page of a session's rows. Waits for a store that is away: the rows are there.
pub(crate) async fn read(shared: Arc<Shared>, handle: Arc<Handle>, offsets: Range<Offset>) -> PageRead {
    let mut pause = limits::RETRY;
    loop {
        match read_once(&shared, &handle, offsets.clone()).await {
            Ok(page) => return Ok(page),
            Err(Failure::Unreadable) => return Err(Code::ServerError),
            Err(Failure::Away(error)) => {
                tracing::warn!(error, "an inbox can't be read");
                shared.runtime.sleep(pause).await;
                pause = (pause * 2).min(limits::RETRY_MAX);
            }
        }
    }
}

async fn read_once(shared: &Shared, handle: &Handle, offsets: Range<Offset>) -> Result<(Vec<Delivery>, bool), Failure> {
    let began = shared.runtime.monotonic();
    let _permit = shared.readers.acquire().await.map_err(|error| Failure::Away(error.to_string()))?;
    let log = shared.uplink.log_id();
    let read = shared.store.inbox(&handle.user, log, offsets, limits::PAGE_ROWS).await;
    let rows = read.map_err(|error| Failure::Away(error.to_string()))?;
    shared.metrics.inbox_read(shared.runtime.monotonic() - began);
    let is_last = rows.len() < limits::PAGE_ROWS;
    let mut page = Vec::with_capacity(rows.len());
    for row in rows {
        page.push(deliver(shared, handle, row).await?);
    }
    Ok((page, is_last))
}

async fn deliver(shared: &Shared, handle: &Handle, row: InboxRow) -> Result<Delivery, Failure> {
    let entry = entry::decode(&row.entry).map_err(|error| {
        // To pass over it would lose a message silently; a gateway of a newer build may know it.
        tracing::error!(%error, "an inbox row can't be read");
        Failure::Unreadable
    })?;
    let opened = render::open_entry(&shared.keys, &entry).await.map_err(|error| Failure::Away(error.to_string()))?;
    let mut rendered = Rendered::new(row.position, row.time.day(), entry, opened);
    Ok(rendered.delivery(&handle.user, &handle.device))
}
