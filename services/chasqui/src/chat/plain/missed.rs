//! What came while the device was not there.

use anyhow::Context;
use chasqui_client::rest;
use chasqui_domain::Seq;
use chasqui_wire::frames::{Changed, ChangesQuery, Messages, MessagesQuery};

use super::{
    super::{
        command::Kind,
        limits::{CHANGES_MAX, PAGE_MESSAGES},
        opening::patiently,
    },
    Run,
};

impl Run {
    /// Prints what came while the device was not there, page by page, until there is no more. Updates wait meanwhile, so
    /// that the order stays. It fails when a page can't be got: to go on with what is live would tell that all before
    /// it was read.
    pub(super) async fn read_missed(&mut self) -> anyhow::Result<()> {
        let mut after = self.missed_after().await.context("older messages can't be read")?;
        if let Some(from) = after {
            let changes = match self.script.kind() {
                Kind::Group => self.missed_changes(from).await.context("older changes can't be read")?,
                Kind::Direct => Vec::new(),
            };
            self.script.missed_changes(from, changes);
        }
        while let Some(from) = after {
            let page = self.missed(from).await.context("older messages can't be read")?;
            anyhow::ensure!(
                page.next.is_none_or(|next| next > from),
                "older messages can't be read: the server answers with the same page again"
            );
            for message in page.messages {
                for effect in self.script.message(message) {
                    Box::pin(self.perform(effect)).await?;
                }
            }
            after = page.next;
        }
        for effect in self.script.missed_all() {
            Box::pin(self.perform(effect)).await?;
        }
        Ok(())
    }

    /// Behind which message those begin that the user has not read and that were not printed; none without a chat.
    async fn missed_after(&mut self) -> Result<Option<Seq>, rest::Error> {
        let chat = self.script.chat();
        let item = patiently(|| self.session.rest().chat(chat)).await?;
        Ok(self.script.missed_after(item.as_ref()))
    }

    async fn missed(&self, after: Seq) -> Result<Messages, rest::Error> {
        let query =
            MessagesQuery { before: None, after: Some(after), limit: Some(PAGE_MESSAGES), ..MessagesQuery::default() };
        patiently(|| self.session.rest().messages(self.script.chat(), &query)).await
    }

    /// The changes behind a message, in the chat's order; of very many the latest.
    async fn missed_changes(&self, from: Seq) -> Result<Vec<Changed>, rest::Error> {
        let (mut changes, mut before) = (Vec::new(), None);
        while changes.len() < CHANGES_MAX {
            let query = ChangesQuery { limit: Some(PAGE_MESSAGES), before };
            let page = patiently(|| self.session.rest().changes(self.script.chat(), &query)).await?;
            let is_covered = page.changes.last().is_none_or(|oldest| oldest.after < from);
            changes.extend(page.changes.into_iter().filter(|changed| changed.after >= from));
            before = page.next;
            if is_covered || before.is_none() {
                break;
            }
        }
        changes.reverse();
        Ok(changes)
    }
}
