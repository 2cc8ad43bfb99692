use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use chasqui_disk::Disk;
use chasqui_domain::{GatewayId, Offset, Partition};
use chasqui_log::{Append, Bounds, Header, Log, Partitions, Record, Topic, TopicPartition};
use chasqui_log_embedded::{EmbeddedLog, OpenError, Options};
use chasqui_runtime::Runtime;
use chasqui_testkit::{Clock, CrashDisk};
use tokio::runtime::{Builder, Runtime as Tokio};

const FOLDER: &str = "/log";
const COMMITS: u64 = 6;
/// The last segment begins where others have ended.
const SEGMENT_BYTES: u64 = 1_000;
const READ_BYTES: usize = 1 << 20;

static TOKIO: LazyLock<Tokio> = LazyLock::new(|| must(Builder::new_current_thread().build()));

/// What is in [`segment`], by partition.
static WRITTEN: LazyLock<Vec<(TopicPartition, Vec<Record>)>> = LazyLock::new(|| {
    let disk = CrashDisk::new();
    write(&disk);
    TOKIO.block_on(everything(&*must(open(&disk))))
});

/// The last segment file of a log that [`segments`] knows.
///
/// # Panics
/// When it can't be written.
#[must_use]
pub fn segment() -> Vec<u8> {
    let disk = CrashDisk::new();
    write(&disk);
    let file = must(disk.open(&path(&disk), false));
    let mut bytes = vec![0; usize::try_from(must(file.size())).unwrap_or_default()];
    must(file.read_exact_at(&mut bytes, 0));
    bytes
}

/// A log whose last segment is these bytes opens or refuses to. If it opens, all of it can be read, it goes on, and it
/// opens again with the same and what was added. What it has is what was written, from the beginning on; a fuzzer's
/// build takes any checksum for right, so there it may be anything. Gives whether it was all that was written.
///
/// # Panics
/// When that isn't so.
pub fn segments(bytes: &[u8]) -> bool {
    let disk = CrashDisk::new();
    write(&disk);
    let file = must(disk.open(&path(&disk), false));
    must(file.set_len(0));
    must(file.write_all_at(bytes, 0));
    let Ok(log) = open(&disk) else { return false };
    let written = &*WRITTEN;
    TOKIO.block_on(async {
        let before = everything(&*log).await;
        if cfg!(not(fuzzing)) {
            for ((at, written), (_, found)) in written.iter().zip(&before) {
                assert!(written.starts_with(found), "{at} has {found:?}");
            }
        }
        // Where there is no room for another number it is refused.
        let added = log.append(vec![append(Topic::Commands, 0, "after")]).await.ok();
        drop(log);
        let log = must(open(&disk));
        for ((at, before), (_, after)) in before.iter().zip(&everything(&*log).await) {
            assert!(after.starts_with(before), "{at} had {before:?} and has {after:?}");
        }
        if let Some(appended) = added {
            let from = appended[0].offset;
            let found = read(&*log, &Topic::Commands.partition(Partition(0)), from, from.next()).await;
            assert!(found.len() == 1 && found[0].value == "after", "{found:?}");
        }
        before == *written
    })
}

fn must<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

fn open(disk: &CrashDisk) -> Result<Arc<EmbeddedLog>, OpenError> {
    let two = NonZeroU32::MIN.saturating_add(1);
    let options =
        Options { cache_bytes: 0, segment_bytes: SEGMENT_BYTES, ..Options::new(Partitions { chats: two, users: two }) };
    // The same id every time.
    EmbeddedLog::open(disk.mount(), PathBuf::from(FOLDER), options, Runtime::new(Clock::default()))
}

fn path(disk: &CrashDisk) -> PathBuf {
    let names = must(disk.list(Path::new(FOLDER)));
    let name = names.into_iter().filter(|name| name.ends_with(".segment")).max();
    Path::new(FOLDER).join(name.unwrap_or_default())
}

fn write(disk: &CrashDisk) {
    let log = must(open(disk));
    TOKIO.block_on(async {
        for number in 0..COMMITS {
            let text = format!("record {number}");
            let mut batch = vec![append(Topic::Commands, 0, &text), append(Topic::Inbox, 1, &text)];
            if number % 2 == 0 {
                batch.push(append(gateway(), 0, &text));
            }
            must(log.append(batch).await);
        }
    });
}

fn gateway() -> Topic {
    Topic::Gateway(must(GatewayId::new("g")))
}

fn append(topic: Topic, partition: u32, text: &str) -> Append {
    let headers = vec![Header { name: "h".into(), value: text.to_owned().into() }];
    Append { to: topic.partition(Partition(partition)), key: "k".into(), value: text.to_owned().into(), headers }
}

/// All records, by partition, as far as they can be read.
async fn everything(log: &dyn Log) -> Vec<(TopicPartition, Vec<Record>)> {
    let topics = [Topic::Commands, Topic::Events, Topic::Inbox, Topic::Presence, Topic::Heartbeats, gateway()];
    let both = |topic: Topic| [0, 1].map(|partition| topic.clone().partition(Partition(partition)));
    let mut all = Vec::new();
    for at in topics.into_iter().flat_map(both) {
        let Ok(Bounds { start, end }) = log.bounds(&at).await else { continue };
        let records = read(log, &at, start, end).await;
        all.push((at, records));
    }
    all
}

async fn read(log: &dyn Log, at: &TopicPartition, start: Offset, end: Offset) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let Ok(mut reader) = log.reader(at, start).await else { return records };
    let next = |records: &[Record]| records.last().map_or(start, |last| last.offset.next());
    while next(&records) < end {
        // Damage that is no tear is told when it is come to.
        let Ok(more) = reader.next(READ_BYTES).await else { break };
        assert!(!more.is_empty(), "{at} has nothing before {end}");
        records.extend(more);
    }
    records
}
