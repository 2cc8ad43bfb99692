//! The half-typed line, kept beside the state. The state's lock guards it, too.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use chasqui_client::To;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle};

use super::{command::escaped, limits::DRAFTS_MAX};

/// The form of the file that this build writes.
const FORMAT: u32 = 2;
/// The same but for drafts of direct chats, in which a line that begins with `/` was a text. It is read, too.
const FORMAT_OF_TEXTS: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Document {
    format: u32,
    /// By peer.
    drafts: BTreeMap<String, String>,
    /// By group.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    groups: BTreeMap<String, String>,
}

impl Document {
    fn empty() -> Self {
        Self { format: FORMAT, drafts: BTreeMap::new(), groups: BTreeMap::new() }
    }
}

/// The drafts of a user.
#[derive(Debug)]
pub(super) struct Drafts {
    path: PathBuf,
    document: Document,
}

impl Drafts {
    /// Reads the file beside a state, if it is there.
    ///
    /// # Errors
    /// When it can't be read or understood.
    pub(super) fn open(state: &Path) -> anyhow::Result<Self> {
        let mut drafts = Self::empty(state);
        match fs::read(&drafts.path) {
            Ok(bytes) => {
                let what = || format!("the draft in {} can't be understood", drafts.path.display());
                drafts.document = serde_json::from_slice(&bytes).with_context(what)?;
                if drafts.document.format == FORMAT_OF_TEXTS {
                    drafts.document.format = FORMAT;
                    drafts.document.drafts.values_mut().for_each(|text| *text = escaped(text));
                }
                anyhow::ensure!(drafts.document.format == FORMAT, "{}", what());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("the draft in {} can't be read", drafts.path.display()));
            }
        }
        Ok(drafts)
    }

    /// Begins anew; a file that is there is replaced by the first draft.
    pub(super) fn empty(state: &Path) -> Self {
        let mut path = state.as_os_str().to_owned();
        path.push(".draft");
        Self { path: path.into(), document: Document::empty() }
    }

    pub(super) fn of(&self, to: &To) -> &str {
        let draft = match to {
            To::User(peer) => self.document.drafts.get(peer.as_str()),
            To::Group(chat) => self.document.groups.get(&chat.to_string()),
        };
        draft.map_or("", |text| text)
    }

    fn set(&mut self, to: &To, text: &str) {
        let (drafts, key) = match to {
            To::User(peer) => (&mut self.document.drafts, peer.to_string()),
            To::Group(chat) => (&mut self.document.groups, chat.to_string()),
        };
        if text.is_empty() {
            drafts.remove(&key);
            return;
        }
        drafts.insert(key.clone(), text.to_owned());
        while drafts.len() > DRAFTS_MAX
            && let Some(other) = drafts.keys().find(|other| **other != key).cloned()
        {
            drafts.remove(&other);
        }
    }

    /// Replaces the file as a whole, so that a crash leaves the old one or the new one.
    fn save(&self) -> anyhow::Result<()> {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".new");
        let temporary = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let bytes = serde_json::to_vec(&self.document)?;
        let write = || {
            let mut file = options.open(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        write().with_context(|| format!("the draft can't be kept in {}", self.path.display()))
    }
}

/// Saves drafts, one after the other; of several that wait only the last.
pub(super) struct Keeper {
    drafts: watch::Sender<Arc<str>>,
    /// What went wrong last.
    failure: watch::Receiver<Option<String>>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Must be called on a tokio runtime.
    pub(super) fn new(mut drafts: Drafts, to: To) -> Self {
        let (sender, mut texts) = watch::channel::<Arc<str>>(drafts.of(&to).into());
        let (failed, failure) = watch::channel(None);
        let task = tokio::spawn(async move {
            while texts.changed().await.is_ok() {
                drafts.set(&to, &texts.borrow_and_update().clone());
                let saving = tokio::task::spawn_blocking(move || {
                    let saved = drafts.save();
                    (drafts, saved)
                });
                // It ends without an answer only with the runtime.
                let Ok((back, saved)) = saving.await else { return };
                drafts = back;
                failed.send_replace(saved.err().map(|error| format!("{error:#}")));
            }
        });
        Self { drafts: sender, failure, task }
    }

    pub(super) fn keep(&self, text: &str) {
        self.drafts.send_if_modified(|kept| {
            let is_new = **kept != *text;
            if is_new {
                *kept = text.into();
            }
            is_new
        });
    }

    /// What went wrong since it was asked last.
    pub(super) fn failure(&mut self) -> Option<String> {
        if self.failure.has_changed().unwrap_or(false) { self.failure.borrow_and_update().clone() } else { None }
    }

    /// Waits until the last draft is kept.
    pub(super) async fn finish(self) {
        drop(self.drafts);
        // It doesn't panic; where it was cut off the runtime is gone.
        let _ = self.task.await;
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{group, user},
        *,
    };

    fn to(name: &str) -> To {
        user(name).into()
    }

    #[tokio::test]
    async fn the_last_draft_of_each_peer_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        for (peer, text) in [("bob", "half a li"), ("carol", "x"), ("bob", "half a line"), ("carol", "")] {
            let keeper = Keeper::new(Drafts::open(&state).unwrap(), to(peer));
            keeper.keep("on the way");
            keeper.keep(text);
            keeper.finish().await;
        }
        let drafts = Drafts::open(&state).unwrap();
        assert_eq!((drafts.of(&to("bob")), drafts.of(&to("carol"))), ("half a line", ""));
    }

    #[tokio::test]
    async fn a_group_has_a_draft_of_its_own_whatever_users_are_called() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let namesake = to(&group().to_string());
        for (to, text) in [(group().into(), "for the group"), (namesake.clone(), "for the user")] {
            let keeper = Keeper::new(Drafts::open(&state).unwrap(), to);
            keeper.keep(text);
            keeper.finish().await;
        }
        let drafts = Drafts::open(&state).unwrap();
        assert_eq!((drafts.of(&group().into()), drafts.of(&namesake)), ("for the group", "for the user"));
    }

    #[test]
    fn drafts_are_bounded_and_the_newest_stays() {
        let mut drafts = Drafts::empty(Path::new("state"));
        for number in 0..=DRAFTS_MAX {
            drafts.set(&to(&format!("{}", DRAFTS_MAX - number)), "x");
        }
        assert_eq!((drafts.document.drafts.len(), drafts.of(&to("0"))), (DRAFTS_MAX, "x"));
    }

    #[tokio::test]
    async fn a_text_of_a_direct_chat_stays_one_since_there_are_commands() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        let old =
            format!(r#"{{"format":1,"drafts":{{"bob":"/delete","carol":"a"}},"groups":{{"{}":"/leave"}}}}"#, group());
        fs::write(folder.path().join("state.draft"), old).unwrap();
        // What is kept in the new form is read as it is.
        for text in ["b", "/help"] {
            let drafts = Drafts::open(&state).unwrap();
            assert_eq!((drafts.of(&to("bob")), drafts.of(&group().into())), ("//delete", "/leave"));
            let keeper = Keeper::new(drafts, to("carol"));
            keeper.keep(text);
            keeper.finish().await;
        }
        assert_eq!(Drafts::open(&state).unwrap().of(&to("carol")), "/help");
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        for text in ["{", r#"{"format":3,"drafts":{}}"#] {
            fs::write(folder.path().join("state.draft"), text).unwrap();
            assert!(Drafts::open(&state).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_draft_that_cannot_be_kept_is_told() {
        let state = Path::new("/nowhere/at/all/state");
        let mut keeper = Keeper::new(Drafts::open(state).unwrap(), to("bob"));
        keeper.keep("x");
        keeper.failure.changed().await.unwrap();
        keeper.failure.mark_changed();
        assert!(keeper.failure().is_some_and(|why| why.contains("/nowhere/at/all/state.draft")));
        assert_eq!(keeper.failure(), None);
    }
}
