//! What clients talk to in a test: one process with all roles, or two processes of each role on Kafka and CQL.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, ensure};
use futures::future::{join_all, try_join_all};

use crate::{
    infra,
    process::{self, KillAt, Role, Server, Setup},
};

/// How many processes each role has in [`Place::Cluster`].
pub const OF_EACH: usize = 2;

/// Where servers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// All roles in one process, on the embedded log and store.
    Alone,
    /// Two processes of each role, on Kafka and CQL.
    Cluster,
}

/// The servers of a test, which come and go together.
#[derive(Debug)]
pub struct Servers {
    setups: Vec<Setup>,
    running: Vec<Server>,
}

impl Servers {
    /// Those of a place, with their files in a folder; none of them runs yet.
    ///
    /// # Errors
    /// When topics or tables can't be made.
    pub fn new(place: Place, folder: &Path, options: &[String]) -> anyhow::Result<Self> {
        let setups = match place {
            Place::Alone => vec![setup(folder, Role::All, 0, options.to_vec())],
            Place::Cluster => {
                let mut all = cluster_options()?;
                all.extend_from_slice(options);
                for command in [["topics", "apply"], ["schema", "migrate"]] {
                    let options = all.iter().flat_map(|option| ["--set", option]);
                    process::run(&command.into_iter().chain(options).collect::<Vec<_>>())?;
                }
                let roles = [Role::Gateway, Role::Sequencer, Role::Router];
                let each = roles.into_iter().flat_map(|role| (0..OF_EACH).map(move |number| (role, number)));
                each.map(|(role, number)| setup(folder, role, number, all.clone())).collect()
            }
        };
        Ok(Self { setups, running: Vec::new() })
    }

    /// What the first of them is told, as `KEY=VALUE`.
    #[must_use]
    pub fn options(&self) -> &[String] {
        self.setups.first().map_or(&[], |setup| &setup.options)
    }

    /// Starts all, and waits until they are ready; gives where sessions are taken. Gateways may be told to kill
    /// themselves.
    ///
    /// # Errors
    /// When one doesn't start.
    pub async fn start(&mut self, kill_at: Option<KillAt>) -> anyhow::Result<Vec<SocketAddr>> {
        ensure!(self.running.is_empty(), "the servers run already");
        for setup in &self.setups {
            let kill_at = kill_at.filter(|_| setup.role.takes_sessions());
            self.running.push(Server::start(setup, kill_at)?);
        }
        let addresses = try_join_all(self.running.iter_mut().map(Server::ready)).await?;
        let all = self.setups.iter().zip(addresses).filter(|(setup, _)| setup.role.takes_sessions());
        all.map(|(_, address)| Ok(address.parse()?)).collect()
    }

    /// Has those that take sessions listen where they do now whenever they are started again, so that who knows them
    /// finds them.
    pub fn stay_at(&mut self, addresses: &[SocketAddr]) {
        let setups = self.setups.iter_mut().filter(|setup| setup.role.takes_sessions());
        setups.zip(addresses).for_each(|(setup, address)| setup.listen = address.to_string());
    }

    /// One of a role's, while all run or once it has ended.
    ///
    /// # Errors
    /// When there is none.
    pub fn one(&mut self, role: Role, number: usize) -> anyhow::Result<&mut Server> {
        let place = self.place(role, number)?;
        self.running.get_mut(place).context("there is no server")
    }

    /// Starts another in the place of one that has ended, and doesn't wait until it is ready.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start_again(&mut self, role: Role, number: usize, kill_at: Option<KillAt>) -> anyhow::Result<&mut Server> {
        let place = self.place(role, number)?;
        let (setup, server) = (self.setups.get(place), self.running.get_mut(place));
        let (setup, server) = setup.zip(server).context("there is no server")?;
        *server = Server::start(setup, kill_at)?;
        Ok(server)
    }

    fn place(&self, role: Role, number: usize) -> anyhow::Result<usize> {
        let mut of_role = self.setups.iter().enumerate().filter(|(_, setup)| setup.role == role);
        of_role.nth(number).map(|(place, _)| place).with_context(|| format!("there is no {role:?} {number}"))
    }

    /// Stops them as an operator does; none may have complained of anything.
    ///
    /// # Errors
    /// When one doesn't stop, or complains.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        ensure!(!self.running.is_empty(), "there is no server");
        // One after the other, in the order in which messages go.
        for server in std::mem::take(&mut self.running) {
            server.stop().await?;
        }
        Ok(())
    }

    /// The same where they had something to complain of.
    ///
    /// # Errors
    /// When one doesn't stop.
    pub async fn stop_complaining(&mut self) -> anyhow::Result<()> {
        for mut server in std::mem::take(&mut self.running) {
            server.stop_complaining().await?;
        }
        Ok(())
    }

    /// Kills them all.
    ///
    /// # Errors
    /// When one had ended by itself, or complained.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        ensure!(!self.running.is_empty(), "there is no server");
        let mut servers = std::mem::take(&mut self.running);
        for killed in join_all(servers.iter_mut().map(Server::kill)).await {
            killed?;
        }
        servers.iter().try_for_each(Server::complaints)
    }

    /// Waits until one has died by itself, and kills the others.
    ///
    /// # Errors
    /// When none dies, or one complained.
    pub async fn die(&mut self) -> anyhow::Result<()> {
        ensure!(!self.running.is_empty(), "there is no server");
        let mut servers = std::mem::take(&mut self.running);
        let dying = servers.iter_mut().map(|server| Box::pin(server.died()));
        let (died, first, others) = futures::future::select_all(dying).await;
        died?;
        drop(others);
        for (number, server) in servers.iter_mut().enumerate() {
            if number != first {
                server.kill().await?;
            }
        }
        servers.iter().try_for_each(Server::complaints)
    }
}

fn setup(folder: &Path, role: Role, number: usize, mut options: Vec<String>) -> Setup {
    if role == Role::Gateway {
        options.push(format!("gateway.id=gateway-{number}"));
    }
    let log = if role == Role::All { "server.log".to_owned() } else { format!("{}-{number}.log", role.command()) };
    Setup { role, log: folder.join(log), options, ..Setup::new(folder, &[]) }
}

/// Topics and tables of their own for every test.
fn cluster_options() -> anyhow::Result<Vec<String>> {
    let name = infra::unused_name("test");
    Ok(vec![
        format!("kafka.bootstrap={}", infra::bootstrap()?),
        format!("kafka.prefix={name}"),
        "kafka.replication=1".to_owned(),
        "kafka.min_insync_replicas=1".to_owned(),
        "kafka.gateways=2".to_owned(),
        format!("cql.contact_points={}", infra::contact_points()?),
        format!("cql.keyspace={name}"),
        "cql.replication=1".to_owned(),
        // A machine that runs all of them is slow at times, and nobody is to be taken for gone because of that.
        "cql.timeout_ms=20000".to_owned(),
        "lease_ms=30000".to_owned(),
    ])
}
