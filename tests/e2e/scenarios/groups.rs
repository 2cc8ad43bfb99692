//! What users of a scenario ask over HTTP about who is in a group, and what was changed in it.

use std::collections::BTreeSet;

use anyhow::ensure;
use chasqui_client::rest::Error;
use chasqui_domain::ChatId;
use chasqui_tests::wait::within;
use chasqui_wire::frames::{Changed, ChangesQuery, MemberItem, MembersQuery};

use crate::{
    format::{Changes, MemberSeen, Members},
    names::Names,
    seen::{compare_change, role_name},
    world::World,
};

impl World {
    pub(crate) async fn members(&self, asked: &Members, names: &Names) -> anyhow::Result<()> {
        let Members { user, with, limit, members, fails } = asked;
        let answer = self.all_members(user, names.chat(user, with)?, *limit).await?;
        let Some(all) = self.answer_or(fails.as_deref(), answer)? else { return Ok(()) };
        let seen = all
            .into_iter()
            .map(|it| MemberSeen { user: it.user.to_string(), role: role_name(it.role).to_owned() })
            .collect::<Vec<_>>();
        ensure!(seen == members.clone().unwrap_or_default(), "{user} sees {seen:?}");
        Ok(())
    }

    async fn all_members(
        &self,
        user: &str,
        chat: ChatId,
        limit: Option<u32>,
    ) -> anyhow::Result<Result<Vec<MemberItem>, Error>> {
        let (rest, mut all, mut after) = (self.rest(user)?, Vec::<MemberItem>::new(), None);
        loop {
            let page = match within("an answer", rest.members(chat, &MembersQuery { limit, after })).await? {
                Ok(page) => page,
                Err(error) => return Ok(Err(error)),
            };
            check_page(limit, page.members.len(), all.is_empty(), page.next.is_none())?;
            all.extend(page.members);
            let last = all.last().map(|item| item.user.clone());
            ensure!(page.next.is_none() || page.next == last, "a page ends with {last:?}, and next is {:?}", page.next);
            after = page.next;
            if after.is_none() {
                ensure!(all.is_sorted_by(|one, next| one.user < next.user), "the members are in no order: {all:?}");
                return Ok(Ok(all));
            }
        }
    }

    pub(crate) async fn changes(&self, asked: &Changes, names: &Names) -> anyhow::Result<()> {
        let Changes { user, with, limit, changes, fails } = asked;
        let answer = self.all_changes(user, names.chat(user, with)?, *limit).await?;
        let Some(all) = self.answer_or(fails.as_deref(), answer)? else { return Ok(()) };
        let wanted = changes.as_deref().unwrap_or_default();
        ensure!(wanted.len() == all.len(), "{user} sees {all:?}");
        wanted.iter().zip(&all).try_for_each(|(wanted, changed)| compare_change(wanted, changed))
    }

    async fn all_changes(
        &self,
        user: &str,
        chat: ChatId,
        limit: Option<u32>,
    ) -> anyhow::Result<Result<Vec<Changed>, Error>> {
        let (rest, mut all, mut before) = (self.rest(user)?, Vec::<Changed>::new(), None);
        let mut places = BTreeSet::new();
        loop {
            let page = match within("an answer", rest.changes(chat, &ChangesQuery { limit, before })).await? {
                Ok(page) => page,
                Err(error) => return Ok(Err(error)),
            };
            check_page(limit, page.changes.len(), all.is_empty(), page.next.is_none())?;
            all.extend(page.changes);
            before = page.next;
            let Some(place) = before else {
                ensure!(all.is_sorted_by(|one, next| one.time >= next.time), "the changes are in no order: {all:?}");
                let is_there = |it: &Changed| it.chat == chat && it.cursor.is_none();
                ensure!(all.iter().all(is_there), "they are of no answer about this chat: {all:?}");
                return Ok(Ok(all));
            };
            ensure!(places.insert(place), "the pages go round: {place}");
        }
    }
}

/// Every page but the last is full, and the last is not empty unless it is the first.
fn check_page(limit: Option<u32>, items: usize, is_first: bool, is_last: bool) -> anyhow::Result<()> {
    let full = limit.map_or(items, |limit| limit as usize);
    ensure!(items <= full && (is_last || items == full), "a page of {full} has {items}");
    ensure!(is_first || items > 0, "there is a page behind the last");
    Ok(())
}
