//! Removes what retention allows: whole segments, the oldest first. Nothing of `commands` and `inbox` goes before its
//! owner has released it, however old it is or full the disk.

use std::io;

use chasqui_domain::TimeMs;
use chasqui_log::Topic;

use crate::{
    segment,
    shared::{Segment, Shared},
    writer::Writer,
};

impl Writer {
    pub(crate) fn trim(&mut self, now: TimeMs) {
        self.trimmed = now;
        while let Some(next) = next_to_keep(&self.shared, now) {
            if let Err(error) = self.remove_oldest(&next) {
                // Tried again at the next look.
                tracing::warn!(segment = next.sequence - 1, %error, "can't remove a segment");
                return;
            }
        }
    }

    /// Removes the segment before `next`. Durably before another goes, so that a crash can't leave a gap.
    fn remove_oldest(&mut self, next: &Segment) -> io::Result<()> {
        let Shared { disk, folder, .. } = &*self.shared;
        if self.folder_is_dirty {
            disk.sync_folder(folder)?;
        }
        // Readers learn it first: a file that is missing then has a reason.
        for (at, part) in self.shared.parts.read().iter() {
            part.trim(next.head(at));
        }
        let sequence = next.sequence - 1;
        self.shared.sealed.lock().pop(&sequence);
        match disk.remove(&segment::path(folder, sequence)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // It may never have been saved.
        let _ = disk.remove(&segment::index_path(folder, sequence));
        self.shared.segments.write().list.retain(|segment| segment.sequence != sequence);
        self.folder_is_dirty = true;
        disk.sync_folder(folder)?;
        self.folder_is_dirty = false;
        Ok(())
    }
}

/// If the oldest segment may go: the one that follows it.
fn next_to_keep(shared: &Shared, now: TimeMs) -> Option<Segment> {
    let segments = shared.segments.read();
    let [oldest, next, ..] = segments.list.as_slice() else { return None };
    let is_old = now.0.saturating_sub(next.time.0) >= shared.options.retention_ms;
    let bytes: u64 = segments.list.iter().map(|segment| segment.bytes).sum();
    let is_over = shared.options.bytes_max.is_some_and(|bytes_max| bytes > bytes_max);
    if !is_old && !is_over {
        return None;
    }
    let parts = shared.parts.read();
    let is_released = next.heads.iter().all(|(at, end)| {
        let is_held = matches!(at.topic, Topic::Commands | Topic::Inbox) && *end > oldest.head(at);
        !is_held || parts.get(at).is_some_and(|part| *end <= part.released())
    });
    is_released.then(|| next.clone())
}
