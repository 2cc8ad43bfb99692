//! `chasqui schema migrate`: makes the tables of CQL, and brings them up to date.

use std::io::Write;

use anyhow::Context;
use chasqui_config::{Options, Purpose};
use chasqui_store_cql::schema::{Migrator, Step};
use serde_json::json;

use crate::server::cluster::cql_options;

/// What `chasqui schema` is told.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make the keyspace and its tables, or bring them up to date.
    #[command(after_help = "\
Migrations are numbered, and each is recorded when it is done; one that was interrupted is done again. Run it before processes of
a new version start, and not twice at a time.

Examples:
  chasqui schema migrate --set cql.contact_points=localhost:9042 --set cql.replication=1
  CHASQUI_CQL__CONTACT_POINTS=scylla-0:9042 chasqui schema migrate --dry-run
  chasqui schema migrate --config chasqui.toml --json | jq -r .statement")]
    Migrate(Args),
}

/// What `chasqui schema migrate` is told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Say what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print a JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Makes the tables, or says what would be made.
///
/// # Errors
/// When the nodes can't be asked, or what is there can't be gone on from.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<()> {
    let Command::Migrate(args) = command;
    options.validate_for(Purpose::Schema).context("the options are not enough")?;
    let work = async {
        let migrator = Migrator::connect(cql_options(options)).await?;
        let plan = migrator.plan().await?;
        if plan.steps.is_empty() && !args.json {
            return writeln!(std::io::stdout(), "the keyspace {} is up to date", options.cql.keyspace)
                .context("the output could not be written");
        }
        if args.dry_run {
            return plan.steps.iter().try_for_each(|step| tell(args, step));
        }
        // What was done is done, whether or not anybody can be told.
        let mut told = Ok(());
        migrator
            .apply(&plan, |step| told = std::mem::replace(&mut told, Ok(())).and_then(|()| tell(args, step)))
            .await?;
        told
    };
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(work)
}

fn tell(args: &Args, step: &Step) -> anyhow::Result<()> {
    let line = match (args.json, args.dry_run) {
        (true, dry_run) => json!({ "of": step.of, "statement": step.cql, "done": !dry_run }).to_string(),
        (false, true) => format!("{};\n", step.cql),
        (false, false) => step.to_string(),
    };
    writeln!(std::io::stdout(), "{line}").context("the output could not be written")
}
