//! Reading ahead of the disk.

use std::sync::Arc;

use chasqui_domain::{Offset, Partition};
use chasqui_log::{
    Log, Topic,
    suite::{PARTITIONS, commands, inbox, read, record},
};
use chasqui_log_embedded::Options;
use chasqui_testkit::{Brake, CountedDisk, CrashDisk};
use futures::FutureExt;

use crate::subjects::open;

#[tokio::test]
async fn only_readers_ahead_see_what_is_not_synced() {
    let brake = Arc::new(Brake::default());
    let held_up = brake.clone();
    let disk = CountedDisk::new(CrashDisk::new().mount(), move |_, _| held_up.pass());
    let log = open(Arc::new(disk), Options::new(PARTITIONS)).unwrap();
    // From here on there is room, which what is read ahead needs, too.
    log.append(vec![record(&commands(0), "before")]).await.unwrap();
    let mut ahead = log.reader_ahead(&commands(0), Offset(1)).await.unwrap();
    let mut synced = log.reader(&commands(0), Offset(1)).await.unwrap();
    let pulled = brake.pull();
    log.append_ahead(vec![record(&commands(0), "one")]).await.unwrap();
    let pending = log.enqueue(vec![record(&commands(0), "two")]).await.unwrap();
    assert_eq!(ahead.next(usize::MAX).await.unwrap().len(), 2);
    assert_eq!(log.bounds(&commands(0)).await.unwrap().end, Offset(3));
    let mut settles = std::pin::pin!(log.settle());
    assert!(synced.next(usize::MAX).now_or_never().is_none(), "nothing is synced");
    assert!(settles.as_mut().now_or_never().is_none());
    drop(pulled);
    settles.await.unwrap();
    let mut seen = 0;
    while seen < 2 {
        seen += synced.next(usize::MAX).await.unwrap().len();
    }
    assert_eq!(pending.await.unwrap()[0].offset, Offset(2));
}

/// Whatever a crash takes, it takes from the end, over all partitions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_takes_what_was_appended_last() {
    let mut lost = 0;
    for seed in 0..80 {
        let disk = CrashDisk::new();
        let log: Arc<dyn Log> = open(disk.mount(), Options::new(PARTITIONS)).unwrap();
        let places = [commands(0), inbox(0), Topic::Events.partition(Partition(0))];
        let mut settled = 0;
        for number in 0..60u64 {
            log.append_ahead(vec![record(&places[(number % 3) as usize], number.to_string())]).await.unwrap();
            if number == 20 + seed % 20 {
                log.settle().await.unwrap();
                settled = number + 1;
            }
        }
        disk.crash(seed);
        drop(log);
        let log: Arc<dyn Log> = open(disk.mount(), Options::new(PARTITIONS)).unwrap();
        let mut left = Vec::new();
        for at in &places {
            let end = log.bounds(at).await.unwrap().end;
            let records = read(&log, at, 0, end.0 as usize).await;
            left.extend(records.iter().map(|record| String::from_utf8_lossy(&record.value).parse::<u64>().unwrap()));
        }
        left.sort_unstable();
        assert!(left.iter().copied().eq(0..left.len() as u64), "seed {seed}: {left:?}");
        assert!(left.len() as u64 >= settled, "seed {seed}: what was settled is gone");
        lost += 60 - left.len();
    }
    assert!(lost > 0, "nothing was ever lost: the test shows nothing");
}
