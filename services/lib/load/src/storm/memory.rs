//! The most memory that the server had in a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{options::Server, processors::Reading};

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Looks at the server's memory until it is asked.
pub(super) struct Peak {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Option<u64>>,
}

impl Peak {
    /// In a thread of its own, since that of the sessions has much to do in a storm.
    pub(super) fn watch(servers: &[Server]) -> std::io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (servers, told) = (servers.to_vec(), is_over.clone());
        let look = move || {
            let mut peak = None;
            loop {
                peak = peak.max(resident_kib(&servers));
                if told.load(Ordering::Relaxed) {
                    return peak;
                }
                thread::sleep(EVERY);
            }
        };
        let thread = thread::Builder::new().name("memory".to_owned()).spawn(look)?;
        Ok(Self { is_over, thread })
    }

    /// The highest that was seen, in KiB; none where it can't be read.
    pub(super) fn end(self) -> Option<u64> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().ok().flatten()
    }
}

/// Resident memory of the server, in KiB.
pub(super) fn resident_kib(servers: &[Server]) -> Option<u64> {
    (!servers.is_empty()).then(|| Reading::take(servers)).flatten().map(|reading| reading.resident_kib())
}
