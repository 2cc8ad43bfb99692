//! What a client needs of the place where its state is kept.

use std::io;

use async_trait::async_trait;

/// Keeps the state of one client, as bytes that are replaced as a whole.
///
/// * What [`Storage::save`] has answered outlives a crash of the machine; the save before it is gone.
/// * A save that fails, or that is dropped, leaves open whether it happened, but there is never a half of it. Whatever it
///   still does is over before somebody else can load.
/// * It is held against other clients until it is dropped, since two clients with one state would give one id to two
///   messages. Who opens it sees to that.
#[async_trait]
pub trait Storage: Send + Sync {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// What was saved last; none when nothing was.
    ///
    /// # Errors
    /// The client doesn't begin.
    async fn load(&self) -> io::Result<Option<Vec<u8>>>;

    /// Replaces what is kept. One comes after the other.
    ///
    /// # Errors
    /// The client ends: it can't know which ids were kept.
    async fn save(&self, bytes: Vec<u8>) -> io::Result<()>;
}
