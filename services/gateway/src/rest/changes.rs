//! What was changed in a chat: who came and went, and what it is called.

use std::sync::Arc;

use axum::{Json, extract::State};
use chasqui_domain::Version;
use chasqui_store::{EventQuery, Stream};
use chasqui_wire::{
    Code, event,
    frames::{Changes, ChangesQuery, forms},
};

use super::{
    Refused,
    asked::{Asked, Caller, InChat},
    documents::ChatProblems,
    found::Found,
    page_items, unopened,
};
use crate::{render, shared::Shared};

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
    let end = match query.before {
        Some(before) => before.parse().map(Version).map_err(|_| Refused(Code::BadFrame))?,
        None => found.summary.version.next(),
    };
    let items_max = page_items(query.limit);
    let query = EventQuery {
        chat,
        stream: Stream::Changes,
        versions: found.own.joined..end.min(found.summary.version.next()),
        descending: true,
        rows_max: items_max + 1,
    };
    let mut rows = shared.store.events(&query).await?;
    let has_more = rows.len() > items_max;
    rows.truncate(items_max);
    let next = if has_more { rows.last().map(|row| row.version.to_string()) } else { None };
    let mut changes = Vec::with_capacity(rows.len());
    for row in rows {
        let (event, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
        let opened = render::open_change(&shared.keys, &event).await.map_err(|error| unopened(&error))?;
        changes.extend(render::changed(event, opened));
    }
    Ok(Json(Changes { changes, next }))
}
