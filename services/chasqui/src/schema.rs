//! `chasqui schema migrate`: makes the tables of CQL, and brings them up to date.

use anyhow::Context;
use chasqui_config::{Options, Purpose};
use chasqui_store_cql::schema::{Migrator, Step};
use serde_json::json;

use crate::{
    server::cluster::cql_options,
    setup::{Args, Told, wait},
};

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

/// Makes the tables, or says what would be made.
///
/// # Errors
/// When the nodes can't be asked, or what is there can't be gone on from.
pub fn run(command: &Command, options: &Options) -> anyhow::Result<()> {
    let Command::Migrate(args) = command;
    options.validate_for(Purpose::Schema).context("the options are not enough")?;
    wait(async {
        let migrator = Migrator::connect(cql_options(options)).await?;
        let plan = migrator.plan().await?;
        if plan.steps.is_empty() {
            let keyspace = &options.cql.keyspace;
            let line = || format!("the keyspace {keyspace} is up to date");
            return args.tell(line, || json!({ "keyspace": keyspace, "change": "none" }));
        }
        if args.dry_run {
            return plan.steps.iter().try_for_each(|step| tell(args, step));
        }
        let mut told = Told::default();
        migrator.apply(&plan, |step| told.note(tell(args, step))).await?;
        told.result()
    })
}

/// A dry run shows the statements, so that they can be done by hand; otherwise their beginnings say how far it is.
fn tell(args: &Args, step: &Step) -> anyhow::Result<()> {
    let line = || if args.dry_run { format!("{};\n", step.cql) } else { step.to_string() };
    args.tell(line, || json!({ "of": step.of, "statement": step.cql, "done": !args.dry_run }))
}
