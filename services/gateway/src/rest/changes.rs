//! What was changed in a chat: who came and went, and what it is called.

use std::sync::Arc;

use axum::{Json, extract::State};
use chasqui_store::{EventQuery, EventRow, Stream};
use chasqui_wire::{
    event,
    frames::{Changes, ChangesQuery, forms},
};

use super::{
    Refused,
    asked::{Asked, Caller, InChat},
    documents::ChatProblems,
    found::Found,
    page_items, unopened,
};
use crate::{limits, render, shared::Shared};

/// What was changed in a chat since the user is in it, in pages, from the latest down.
#[utoipa::path(
    get, path = "/v1/chats/{chat}/changes", tag = "chats", operation_id = "listChanges", security(("user" = [])),
    params(("chat" = inline(forms::ChatId), Path, description = "The chat."), ChangesQuery),
    responses((status = 200, description = "A page of changes.", body = Changes), ChatProblems)
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    InChat(chat): InChat,
    Asked(query): Asked<ChangesQuery>,
) -> Result<Json<Changes>, Refused> {
    // It is never closed.
    let _page = shared.pages.acquire().await;
    let found = Found::one(&*shared.store, &user, chat).await?;
    let end = found.summary.version.next();
    let items_max = page_items(query.limit);
    let query = EventQuery {
        chat,
        stream: Stream::Changes,
        versions: found.own.joined..query.before.map_or(end, |before| before.min(end)),
        descending: true,
        rows_max: items_max + 1,
    };
    let mut rows = shared.store.events(&query).await?;
    let fits = fitting(&rows).min(items_max);
    let has_more = rows.len() > fits;
    rows.truncate(fits);
    let next = if has_more { rows.last().map(|row| row.version) } else { None };
    let mut changes = Vec::with_capacity(rows.len());
    for row in rows {
        let (event, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
        let opened = render::open_change(&shared.keys, &event).await.map_err(|error| unopened(&error))?;
        changes.extend(render::changed(event, opened));
    }
    Ok(Json(Changes { changes, next }))
}

/// How many rows, at least one, a page has room for: a change may have all members in it.
fn fitting(rows: &[EventRow]) -> usize {
    let mut bytes = 0;
    let fits = rows.iter().take_while(|row| {
        bytes += row.envelope.len();
        bytes <= limits::PAGE_BYTES_MAX
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chasqui_domain::{ChatId, LogId, Offset, Partition, Source, UserId, Version};

    use super::*;

    #[test]
    fn a_page_ends_where_there_is_no_more_room() {
        let user = |name| UserId::new(name).unwrap();
        let row = |bytes: usize| EventRow {
            chat: ChatId::direct(&user("alice"), &user("bob")),
            stream: Stream::Changes,
            version: Version(1),
            source: Source { log: LogId([7; 16]), partition: Partition(0), offset: Offset(0), index: 0 },
            envelope: Bytes::from(vec![0; bytes]),
            body: None,
        };
        let rows = |bytes: &[usize]| fitting(&bytes.iter().map(|bytes| row(*bytes)).collect::<Vec<_>>());
        let half = limits::PAGE_BYTES_MAX / 2;
        assert_eq!(rows(&[half, half, 1]), 2);
        assert_eq!(rows(&[half * 2 + 1, 1]), 1, "a page has at least one");
    }
}
