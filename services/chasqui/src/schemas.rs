//! `chasqui schemas register`: makes the schemas of what is in topics known to a schema registry, and its ids to the topics.

use anyhow::Context;
use chasqui_config::{Options, Purpose};
use chasqui_log_kafka::{Registered, schemas};
use chasqui_schema_registry::{COMPATIBILITY, Known, Login, Registry, Schema};
use chasqui_wire::schemas::{Published, on_topics};
use serde_json::{Value, json};

use crate::{
    server::{cluster::kafka_options, identity},
    setup::{Args, wait},
};

/// What `chasqui schemas` is told.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Register the schemas of all records that are in topics, and record their ids beside the topics.
    #[command(after_help = "\
At the latest from their next start on processes write what any consumer of Avro can read: Confluent's wire format, in which
the id stands in front of each record. Before, and without a registry, they write Avro's single-object encoding; both are
always read. Run it once the topics are made, and before processes of a new version start.

A subject is the full name of a record, such as chasqui.Event, and BACKWARD_TRANSITIVE: later versions must read all earlier
ones. Servers never ask the registry.

Examples:
  chasqui schemas register --set kafka.bootstrap=localhost:9092 --set registry.url=http://localhost:8081
  CHASQUI_REGISTRY__URL=http://localhost:8080/apis/ccompat/v7 chasqui schemas register --config chasqui.toml --dry-run
  chasqui schemas register --config chasqui.toml --json | jq .id")]
    Register(Args),
}

/// Registers the schemas, or says what would be registered.
///
/// # Errors
/// When the brokers or the registry can't be asked, or the registry refuses a schema.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<()> {
    let Command::Register(args) = command;
    options.validate_for(Purpose::Schemas).context("the options are not enough")?;
    wait(register(args, options))
}

async fn register(args: &Args, options: &Options) -> anyhow::Result<()> {
    let kafka = kafka_options(options, "schemas")?;
    let registry = registry(options).await?;
    // Asked first: without topics nothing is registered.
    let recorded = schemas::recorded(&kafka).await?;
    let (mut registered, mut is_complete) = (Vec::new(), true);
    for Published { name, text, fingerprint } in on_topics()? {
        let schema = Schema { subject: name.clone(), text };
        let known = registry.look_up(&schema).await?;
        let id = match (args.dry_run, known.id) {
            (false, _) => Some(registry.register(&schema).await?),
            (true, Some(id)) => Some(id),
            (true, None) => {
                registry.check(&schema).await?;
                None
            }
        };
        args.tell(|| line(args, &name, &known, id), || object(args, &name, &known, id))?;
        is_complete &= id.is_some();
        registered.extend(id.map(|id| Registered { subject: name, id, fingerprint }));
    }
    // Last, so that whoever meets an id finds it recorded.
    let news = match args.dry_run {
        true => schemas::news(&recorded, &registered)?,
        false => schemas::record(&kafka, &registered).await?,
    };
    let ids: Vec<u32> = news.iter().map(|schema| schema.id).collect();
    args.tell(
        || last_line(args, &ids, is_complete),
        || json!({ "change": "record", "ids": ids, "done": !args.dry_run }),
    )
}

async fn registry(options: &Options) -> anyhow::Result<Registry> {
    let client = identity::outbound(options).await?.client()?;
    let login = options.registry.user.clone().zip(options.registry.password.as_ref());
    let login = login.map(|(user, password)| Login { user, password: password.expose().to_owned() });
    Ok(Registry::new(client, options.registry.url.as_deref().unwrap_or_default(), login)?)
}

fn line(args: &Args, subject: &str, known: &Known, id: Option<u32>) -> String {
    let would = args.would();
    let what = match (known.id, id) {
        (Some(id), _) => format!("registered before, id {id}"),
        (None, Some(id)) => format!("{would}registered, id {id}"),
        (None, None) => format!("{would}registered"),
    };
    let rule = match &known.compatibility {
        Some(rule) if rule == COMPATIBILITY => String::new(),
        _ => format!(", {would}made {COMPATIBILITY}"),
    };
    format!("{subject}: {what}{rule}")
}

fn object(args: &Args, subject: &str, known: &Known, id: Option<u32>) -> Value {
    let change = if known.id.is_some() { "none" } else { "register" };
    json!({ "subject": subject, "change": change, "id": id, "compatibility": COMPATIBILITY, "done": !args.dry_run })
}

fn last_line(args: &Args, ids: &[u32], is_complete: bool) -> String {
    let list = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match (ids, args.dry_run) {
        _ if !is_complete => "the ids would be recorded once the registry has given them".to_owned(),
        ([], _) => "all ids were recorded before".to_owned(),
        (_, true) => format!("these ids would be recorded: {list}"),
        (_, false) => {
            format!("these ids are recorded: {list}; processes write with them at the latest from their next start")
        }
    }
}
