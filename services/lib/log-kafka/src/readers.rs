//! What fetches. A consumer fetches all partitions that are read through it, each into a queue of its own. The library
//! takes a partition once a consumer, so a second reader of a partition gets another one; there are as many as the most
//! readers of any partition.

use std::{
    collections::HashSet,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use chasqui_domain::Offset;
use chasqui_log::Error;
use futures::FutureExt;
use parking_lot::Mutex;
use rdkafka::{
    ClientConfig, Offset as RawOffset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{Consumer, StreamConsumer, stream_consumer::StreamPartitionQueue},
    error::{KafkaError, KafkaResult},
};
use tokio::sync::oneshot;

use crate::{context::Context, error::unavailable, names};

/// How often a consumer is asked for what it has to say beside records.
const LISTEN_EVERY: Duration = Duration::from_millis(100);

/// What is fetched of one partition.
pub(crate) type Queue = StreamPartitionQueue<Context>;

/// The consumers of a process.
pub(crate) struct Readers {
    config: ClientConfig,
    lanes: Mutex<Vec<Arc<Lane>>>,
}

/// One consumer.
struct Lane {
    /// The partitions that are read through it.
    taken: Mutex<HashSet<Place>>,
    orders: mpsc::Sender<Order>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    topic: String,
    partition: i32,
}

enum Order {
    Begin { place: Place, from: i64, opened: oneshot::Sender<KafkaResult<Queue>> },
    End { place: Place },
}

impl Readers {
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self { config, lanes: Mutex::default() }
    }

    /// Begins to fetch a partition at an offset, which must be there or be the next.
    pub(crate) async fn open(&self, topic: String, partition: i32, from: Offset) -> Result<Feed, Error> {
        let place =
            Taken { lane: self.lane(&Place { topic: topic.clone(), partition })?, place: Place { topic, partition } };
        let (opened, is_open) = oneshot::channel();
        let order = Order::Begin { place: place.place.clone(), from: names::raw(from), opened };
        place.lane.orders.send(order).map_err(|_| Error::Closed)?;
        let queue = is_open.await.map_err(|_| Error::Closed)?.map_err(|error| unavailable(&error))?;
        Ok(Feed { queue, _place: place })
    }

    /// A consumer that doesn't fetch the partition yet; it counts as doing so from now on.
    fn lane(&self, place: &Place) -> Result<Arc<Lane>, Error> {
        let mut lanes = self.lanes.lock();
        if let Some(lane) = lanes.iter().find(|lane| lane.taken.lock().insert(place.clone())) {
            return Ok(lane.clone());
        }
        let lane = Arc::new(Lane::start(&self.config, lanes.len())?);
        lane.taken.lock().insert(place.clone());
        lanes.push(lane.clone());
        Ok(lane)
    }
}

impl Lane {
    fn start(config: &ClientConfig, number: usize) -> Result<Self, Error> {
        let consumer = StreamConsumer::from_config_and_context(config, Context::default());
        let consumer: Arc<StreamConsumer<Context>> = Arc::new(consumer.map_err(|error| unavailable(&error))?);
        let (orders, received) = mpsc::channel();
        thread::Builder::new()
            .name(format!("kafka readers {number}"))
            .spawn(move || run(&consumer, &received))
            .map_err(|error| Error::Unavailable { why: error.to_string() })?;
        Ok(Self { taken: Mutex::default(), orders })
    }
}

/// Does what blocks, in the order in which it was asked for, until nobody can ask any more.
fn run(consumer: &Arc<StreamConsumer<Context>>, orders: &mpsc::Receiver<Order>) {
    loop {
        match orders.recv_timeout(LISTEN_EVERY) {
            Ok(Order::Begin { place, from, opened }) => {
                // Nobody waits for one that was dropped; its end follows.
                let _ = opened.send(begin(consumer, &place, from));
            }
            Ok(Order::End { place }) => end(consumer, &place),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        while let Some(event) = consumer.recv().now_or_never() {
            match event {
                // A partition has its own queue before it is fetched, so nothing can come here.
                Ok(_) => tracing::error!(target: "kafka", "a record came past its partition's queue"),
                Err(error) => tracing::debug!(target: "kafka", %error, "a consumer reports an error"),
            }
        }
    }
}

fn begin(consumer: &Arc<StreamConsumer<Context>>, place: &Place, from: i64) -> KafkaResult<Queue> {
    // Before the assignment: what is fetched goes to the queue that the partition has by then.
    let queue = consumer
        .split_partition_queue(&place.topic, place.partition)
        .ok_or_else(|| KafkaError::Subscription(format!("{} {}", place.topic, place.partition)))?;
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition_offset(&place.topic, place.partition, RawOffset::Offset(from))?;
    consumer.incremental_assign(&list)?;
    Ok(queue)
}

fn end(consumer: &StreamConsumer<Context>, place: &Place) {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(&place.topic, place.partition);
    if let Err(error) = consumer.incremental_unassign(&list) {
        tracing::debug!(target: "kafka", %error, "a partition was not fetched");
    }
}

/// A partition as it is fetched, until it is dropped.
pub(crate) struct Feed {
    // Dropped first: the next queue of the partition is made behind its end.
    queue: Queue,
    _place: Taken,
}

impl Feed {
    /// What is fetched.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }
}

/// A partition that is fetched through a lane, or is about to be. Given back by being dropped.
struct Taken {
    lane: Arc<Lane>,
    place: Place,
}

impl Drop for Taken {
    fn drop(&mut self) {
        // In this order: whoever takes the place next gives its order behind this one.
        let _ = self.lane.orders.send(Order::End { place: self.place.clone() });
        self.lane.taken.lock().remove(&self.place);
    }
}
