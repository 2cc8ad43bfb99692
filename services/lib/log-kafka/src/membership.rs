//! Who owns which partition: the members of a group share those of a topic, and learn what they gain and lose. They read
//! nothing through the group; what they read, they read where the store says that they had come. What they say of how far
//! they have come is for tools that show how far a group is behind.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc as std_mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use chasqui_domain::{Offset, Partition};
use chasqui_log::Topic;
use parking_lot::Mutex;
use rdkafka::{
    ClientContext, Offset as RawOffset, TopicPartitionList,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext},
    error::KafkaError,
    types::{RDKafkaErrorCode, RDKafkaRespErr},
};
use tokio::sync::mpsc;

use crate::{GroupProtocol, OpenError, Options, SettingsError, context::Context, names, names::Names};

/// How often the group is listened to for word of changes.
const LISTEN: Duration = Duration::from_millis(100);

/// How long what is reported counts: what lasts is reported again.
const TROUBLE_LASTS: Duration = Duration::from_secs(60);

/// How long a member owns nothing before it says what that may mean. Brokers that don't have the protocol never answer.
const IDLE: Duration = Duration::from_secs(60);

/// How often it is told how far its members have come.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// How long the group waits for an owner to let go. After that another may begin beside it, which does no harm.
const LET_GO_WITHIN: Duration = Duration::from_secs(10);

/// What a member learns.
#[derive(Debug)]
pub enum Change {
    /// These partitions are its own from now on.
    Gained(Vec<Partition>),
    /// These are not any more. Another takes them over once [`Released`] is dropped, and after ten seconds at the latest.
    Lost(Vec<Partition>, Released),
    /// The member can't go on; why.
    Failed(String),
}

/// Says by being dropped that partitions were let go.
#[derive(Debug)]
pub struct Released(#[expect(dead_code, reason = "its end is what counts")] std_mpsc::Sender<()>);

/// The last thing that was reported, and when.
type Trouble = Mutex<Option<(String, Instant)>>;

/// A member of a group. Dropping it leaves the group; with [`GroupProtocol::Classic`](crate::GroupProtocol::Classic) the
/// others wait for it until its session times out, in case it only begins again.
pub struct Membership {
    changes: mpsc::UnboundedReceiver<Change>,
    reached: Arc<Mutex<BTreeMap<Partition, Offset>>>,
    trouble: Arc<Trouble>,
    stop: Option<std_mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Membership {
    /// Joins the group of a role, which shares the partitions of a topic.
    ///
    /// # Errors
    /// [`OpenError::Settings`]. That no broker answers shows in that nothing is gained.
    pub fn join(options: &Options, role: &str, topic: &Topic) -> Result<Self, OpenError> {
        let topic = Names::new(&options.prefix)?.of(topic);
        // Not bounded by itself: there are no more changes than the group makes, and each loss waits for an answer.
        let (tell, changes) = mpsc::unbounded_channel();
        let trouble = Arc::new(Trouble::default());
        let reached = Arc::new(Mutex::new(BTreeMap::new()));
        let (stop, stopped) = std_mpsc::channel();
        let group = Group { topic, tell, reached: reached.clone(), trouble: trouble.clone(), stopped };
        let member = group.member(options, role, options.group_protocol)?;
        let work = {
            let (options, role) = (options.clone(), role.to_owned());
            move || group.take_part(member, &options, &role)
        };
        let thread = thread::Builder::new().name(format!("kafka group {role}")).spawn(work);
        let thread = thread.map_err(|error| SettingsError::Client { why: error.to_string() })?;
        Ok(Self { changes, reached, trouble, stop: Some(stop), thread: Some(thread) })
    }

    /// What changes next. Cancel safe.
    pub async fn next(&mut self) -> Change {
        let ended = || Change::Failed("the group's thread has ended".to_owned());
        self.changes.recv().await.unwrap_or_else(ended)
    }

    /// What keeps the group from working, as it seems; none when it works.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock();
        trouble.as_ref().filter(|(_, since)| since.elapsed() < TROUBLE_LASTS).map(|(why, _)| why.clone())
    }

    /// These partitions are not this process's any more: how far it came there is for others to say.
    pub fn forget(&self, partitions: &[Partition]) {
        self.reached.lock().retain(|partition, _| !partitions.contains(partition));
    }

    /// Notes how far the work at a partition has come, for those who watch the group.
    pub fn reached(&self, partition: Partition, next: Offset) {
        self.reached.lock().insert(partition, next);
    }

    /// Leaves the group, and waits until it knows. What was owned must have been let go.
    pub async fn leave(mut self) {
        drop(self.stop.take());
        // Losses that come now have nobody to wait for, nor those that are there.
        self.changes.close();
        while self.changes.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            // It can't be waited for any better if that fails.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// A group, for the thread that takes part in it.
struct Group {
    topic: String,
    tell: mpsc::UnboundedSender<Change>,
    reached: Arc<Mutex<BTreeMap<Partition, Offset>>>,
    trouble: Arc<Trouble>,
    stopped: std_mpsc::Receiver<()>,
}

impl Group {
    fn member(
        &self,
        options: &Options,
        role: &str,
        protocol: GroupProtocol,
    ) -> Result<BaseConsumer<Member>, SettingsError> {
        let member = Member {
            tell: self.tell.clone(),
            trouble: self.trouble.clone(),
            has_owned: AtomicBool::new(false),
            context: Context::default(),
        };
        let consumer: BaseConsumer<Member> =
            BaseConsumer::from_config_and_context(&options.member(role, protocol)?, member)?;
        consumer.subscribe(&[&self.topic])?;
        Ok(consumer)
    }

    /// Takes part until it is stopped or can't go on.
    fn take_part(&self, mut member: BaseConsumer<Member>, options: &Options, role: &str) {
        let mut ended = self.attend(&member, options.group_protocol);
        // Whoever has owned something ends: the library takes it away without a word.
        let has_owned = member.client().context().has_owned.load(Ordering::Relaxed);
        if ended == Err(RDKafkaErrorCode::UnsupportedVersion)
            && options.group_protocol == GroupProtocol::Consumer
            && !has_owned
        {
            tracing::info!(
                role,
                "the brokers don't share partitions among processes (KIP-848): these do it themselves"
            );
            drop(member);
            member = match self.member(options, role, GroupProtocol::Classic) {
                Ok(member) => member,
                Err(error) => return self.fail(error.to_string()),
            };
            ended = self.attend(&member, GroupProtocol::Classic);
        }
        match ended {
            Ok(()) => {}
            Err(RDKafkaErrorCode::FencedInstanceId) => self.fail("another process has this kafka.client_id".to_owned()),
            Err(code) => self.fail(code.to_string()),
        }
    }

    fn fail(&self, why: String) {
        // Nobody listens to a member that was dropped.
        let _ = self.tell.send(Change::Failed(why));
    }

    /// Hears what the group decides, until it is stopped; fails with what ends the member.
    fn attend(&self, consumer: &BaseConsumer<Member>, protocol: GroupProtocol) -> Result<(), RDKafkaErrorCode> {
        let (began, mut told_at) = (Instant::now(), Instant::now());
        let mut may_be_too_old = protocol == GroupProtocol::Consumer;
        while matches!(self.stopped.try_recv(), Err(std_mpsc::TryRecvError::Empty)) {
            match consumer.poll(LISTEN) {
                // Partitions are paused as soon as they are assigned.
                None | Some(Ok(_)) => {}
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => return Err(code),
                Some(Err(error)) => {
                    tracing::debug!(target: "kafka", %error, "the group reports an error");
                    *self.trouble.lock() = Some((error.to_string(), Instant::now()));
                }
            }
            may_be_too_old &= !consumer.client().context().has_owned.load(Ordering::Relaxed);
            if may_be_too_old && began.elapsed() >= IDLE {
                may_be_too_old = false;
                tracing::info!(
                    topic = self.topic,
                    "no partition was given to this process: others have them, the brokers are away, or they are older than \
                     Kafka 4.0 and want kafka.group_protocol=classic"
                );
            }
            if told_at.elapsed() >= TELL_EVERY {
                told_at = Instant::now();
                self.commit(consumer);
            }
        }
        self.commit(consumer);
        Ok(())
    }

    /// Not waited for: it is for those who watch, and brokers that are away answer nothing.
    fn commit(&self, consumer: &BaseConsumer<Member>) {
        let reached = self.reached.lock().clone();
        let mut list = TopicPartitionList::with_capacity(reached.len());
        for (partition, next) in reached {
            let offset = RawOffset::Offset(names::raw(next));
            if let Err(error) = list.add_partition_offset(&self.topic, names::number(partition), offset) {
                tracing::debug!(target: "kafka", %error, "an offset can't be told");
            }
        }
        if list.count() == 0 {
            return;
        }
        if let Err(error) = consumer.commit(&list, CommitMode::Async) {
            tracing::debug!(target: "kafka", %error, "the group was not told how far its members are");
        }
    }
}

/// Hears what the group decides, on the thread that listens.
struct Member {
    tell: mpsc::UnboundedSender<Change>,
    trouble: Arc<Trouble>,
    has_owned: AtomicBool,
    context: Context,
}

impl ClientContext for Member {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // What ends a member is told when it ends.
        let level = if facility == "FATAL" { RDKafkaLogLevel::Debug } else { level };
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }
}

impl ConsumerContext for Member {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<Partition> = list
            .elements()
            .iter()
            .filter_map(|element| u32::try_from(element.partition()).ok())
            .map(Partition)
            .collect();
        // The group works, whatever was reported before.
        *self.trouble.lock() = None;
        let done = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let assigned = assign(consumer, list);
            if !partitions.is_empty() {
                self.has_owned.store(true, Ordering::Relaxed);
                let _ = self.tell.send(Change::Gained(partitions));
            }
            assigned
        } else {
            if !partitions.is_empty() {
                self.wait_for_release(partitions);
            }
            consumer.incremental_unassign(list)
        };
        if let Err(error) = done {
            tracing::warn!(target: "kafka", %error, "a change of the group was not taken");
        }
    }
}

impl Member {
    fn wait_for_release(&self, partitions: Vec<Partition>) {
        let (released, waits) = std_mpsc::channel();
        if self.tell.send(Change::Lost(partitions, Released(released))).is_err() {
            return;
        }
        if matches!(waits.recv_timeout(LET_GO_WITHIN), Err(std_mpsc::RecvTimeoutError::Timeout)) {
            tracing::warn!("partitions were not let go in time: another owner may begin beside this one");
        }
    }
}

/// Takes partitions without reading them.
fn assign(consumer: &BaseConsumer<Member>, list: &mut TopicPartitionList) -> Result<(), KafkaError> {
    list.set_all_offsets(RawOffset::End)?;
    consumer.incremental_assign(list)?;
    consumer.pause(list)
}
