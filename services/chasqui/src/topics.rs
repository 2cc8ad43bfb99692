//! `chasqui topics apply`: makes the topics, and checks them.

use std::{num::NonZeroU32, time::Duration};

use anyhow::Context;
use chasqui_config::{Options, Purpose};
use chasqui_domain::LogId;
use chasqui_log::Partitions;
use chasqui_log_kafka::topics::{self, Spec, Step};
use chasqui_runtime::Runtime;
use serde_json::json;

use crate::{
    server::cluster::kafka_options,
    setup::{Args, Told, wait},
};

/// What `chasqui topics` is told.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make the topics that are missing, and check those that are there.
    #[command(after_help = "\
The counts of partitions are fixed once the topics are made: what they decide is where chats and users belong. Topics that are
there and not as they must be are named, with what to do, and nothing is changed then.

Examples:
  chasqui topics apply --set kafka.bootstrap=localhost:9092 --set kafka.replication=1 --set kafka.min_insync_replicas=1
  CHASQUI_KAFKA__BOOTSTRAP=kafka-0:9092 CHASQUI_LOG__PARTITIONS_CHATS=64 chasqui topics apply --dry-run
  chasqui topics apply --config chasqui.toml --json | jq .topic")]
    Apply(Args),
}

/// Makes the topics, or says what would be made.
///
/// # Errors
/// When the brokers can't be asked, or something is not as it must be.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<()> {
    let Command::Apply(args) = command;
    options.validate_for(Purpose::Topics).context("the options are not enough")?;
    let kafka = kafka_options(options, "topics")?;
    let spec = spec(options);
    wait(async {
        let id = LogId(Runtime::real().random());
        let plan = topics::plan(&kafka, &spec, id).await?;
        if args.dry_run {
            return plan.iter().try_for_each(|step| tell(args, step));
        }
        let mut told = Told::default();
        topics::apply(&kafka, &spec, &plan, |step| told.note(tell(args, step))).await?;
        told.result()
    })
}

/// How many partitions topics have when nobody says.
const PARTITIONS: NonZeroU32 = NonZeroU32::new(4).unwrap();

fn spec(options: &Options) -> Spec {
    let count = |count: Option<u32>| count.and_then(NonZeroU32::new).unwrap_or(PARTITIONS);
    let partitions =
        Partitions { chats: count(options.log.partitions_chats), users: count(options.log.partitions_users) };
    Spec {
        partitions,
        replication: options.kafka.replication,
        min_insync_replicas: options.kafka.min_insync_replicas,
        retention: Duration::from_millis(options.log.retention_ms),
        gateways: options.kafka.gateways,
    }
}

fn tell(args: &Args, step: &Step) -> anyhow::Result<()> {
    args.tell(|| line(args, step), || object(args, step))
}

fn line(args: &Args, step: &Step) -> String {
    let would = args.would();
    match step {
        Step::Stands { topic } => format!("{topic}: as it must be"),
        Step::Make { topic, partitions, settings } => {
            let settings: Vec<_> = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{topic}: {would}made, partitions={partitions} {}", settings.join(" "))
        }
        Step::Record(life) => {
            // The id of a dry run is no other's.
            let id = if args.dry_run { "a new log id".to_owned() } else { format!("the log id {}", life.log) };
            format!(
                "{id} {would}recorded, {} partitions by chat and {} by user",
                life.partitions_chats, life.partitions_users
            )
        }
        Step::Recorded(life) => format!("the log id is {}, as recorded", life.log),
    }
}

fn object(args: &Args, step: &Step) -> serde_json::Value {
    let done = !args.dry_run;
    match step {
        Step::Stands { topic } => json!({ "topic": topic, "change": "none" }),
        Step::Make { topic, partitions, settings } => {
            json!({ "topic": topic, "change": "make", "done": done, "partitions": partitions, "settings": settings })
        }
        Step::Record(life) => json!({ "life": life, "change": "record", "done": done }),
        Step::Recorded(life) => json!({ "life": life, "change": "none" }),
    }
}
