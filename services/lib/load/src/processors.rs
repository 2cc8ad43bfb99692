//! What processes use of the machine.

use std::time::Instant;

use serde::Serialize;
use tokio::time::sleep_until;

use crate::options::Server;

/// The process on this machine that listens at a port; none where there is none, or it is somebody else's.
#[must_use]
pub fn listening(port: u16) -> Option<i32> {
    os::listening(port)
}

/// What was used of the processors between two moments.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Usage {
    /// How many processors the machine has.
    pub cores: usize,
    /// The server's processes.
    pub servers: Vec<Process>,
    /// Processor seconds of the process that makes the load.
    pub load_seconds: f64,
    /// Processor seconds of everything else.
    pub others_seconds: f64,
    /// Processor seconds in which nothing ran.
    pub idle_seconds: f64,
}

/// What a process used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Process {
    /// What it is called.
    pub name: String,
    /// Its id.
    pub pid: i32,
    /// Processor seconds.
    pub cpu_seconds: f64,
    /// Those of them in the operating system.
    pub system_seconds: f64,
    /// Resident memory at the end, in KiB.
    pub resident_kib: u64,
}

/// What was used up to a moment.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    servers: Vec<Process>,
    load: f64,
    busy: f64,
    idle: f64,
}

impl Reading {
    /// None where it can't be read, or a process of the server is gone.
    pub(crate) fn take(servers: &[Server]) -> Option<Self> {
        let servers = servers.iter().map(os::process).collect::<Option<Vec<_>>>()?;
        let load = os::own_seconds()?;
        let (busy, idle) = os::all_seconds()?;
        Some(Self { servers, load, busy, idle })
    }

    /// What is used between two moments to come; none where it can't be read.
    pub(crate) async fn between(servers: Vec<Server>, from: Instant, to: Instant) -> Option<Usage> {
        sleep_until(from.into()).await;
        let before = Self::take(&servers);
        sleep_until(to.into()).await;
        Some(Self::take(&servers)?.since(&before?))
    }

    /// What was used since an earlier reading of the same processes.
    pub(crate) fn since(&self, earlier: &Self) -> Usage {
        let since = |(now, then): (&Process, &Process)| Process {
            cpu_seconds: now.cpu_seconds - then.cpu_seconds,
            system_seconds: now.system_seconds - then.system_seconds,
            ..now.clone()
        };
        let servers: Vec<Process> = self.servers.iter().zip(&earlier.servers).map(since).collect();
        let load_seconds = self.load - earlier.load;
        let known: f64 = servers.iter().map(|process| process.cpu_seconds).sum::<f64>() + load_seconds;
        Usage {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            servers,
            load_seconds,
            // The two are read one after the other, in units of a hundredth of a second.
            others_seconds: (self.busy - earlier.busy - known).max(0.0),
            idle_seconds: self.idle - earlier.idle,
        }
    }

    /// Processor seconds of the server.
    pub(crate) fn server_seconds(&self) -> f64 {
        self.servers.iter().map(|process| process.cpu_seconds).sum()
    }

    /// Resident memory of the server, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.servers.iter().map(|process| process.resident_kib).sum()
    }
}

#[cfg(target_os = "linux")]
mod os {
    use procfs::CurrentSI;

    use super::Process;
    use crate::options::Server;

    pub(super) fn process(server: &Server) -> Option<Process> {
        let stat = procfs::process::Process::new(server.pid).ok()?.stat().ok()?;
        Some(Process {
            name: server.name.clone(),
            pid: server.pid,
            cpu_seconds: seconds(stat.utime + stat.stime),
            system_seconds: seconds(stat.stime),
            resident_kib: stat.rss * procfs::page_size() / 1024,
        })
    }

    pub(super) fn own_seconds() -> Option<f64> {
        let stat = procfs::process::Process::myself().ok()?.stat().ok()?;
        Some(seconds(stat.utime + stat.stime))
    }

    /// Of the whole machine: busy and idle.
    pub(super) fn all_seconds() -> Option<(f64, f64)> {
        let total = procfs::KernelStats::current().ok()?.total;
        let busy = total.user + total.nice + total.system + total.irq.unwrap_or(0) + total.softirq.unwrap_or(0);
        let idle = total.idle + total.iowait.unwrap_or(0);
        Some((seconds(busy), seconds(idle)))
    }

    /// The process that listens at a port.
    pub(super) fn listening(port: u16) -> Option<i32> {
        use procfs::{net::TcpState, process::FDTarget};
        let sockets = procfs::net::tcp().into_iter().chain(procfs::net::tcp6()).flatten();
        let listens =
            |entry: &procfs::net::TcpNetEntry| entry.state == TcpState::Listen && entry.local_address.port() == port;
        let inodes: Vec<u64> = sockets.filter(listens).map(|entry| entry.inode).collect();
        let has = |process: &procfs::process::Process| {
            let files = process.fd().into_iter().flatten().flatten();
            files.into_iter().any(|file| matches!(file.target, FDTarget::Socket(inode) if inodes.contains(&inode)))
        };
        procfs::process::all_processes().ok()?.flatten().find(has).map(|process| process.pid)
    }

    fn seconds(ticks: u64) -> f64 {
        ticks as f64 / procfs::ticks_per_second() as f64
    }
}

/// Elsewhere nothing is known.
#[cfg(not(target_os = "linux"))]
mod os {
    use super::Process;
    use crate::options::Server;

    pub(super) fn process(_: &Server) -> Option<Process> {
        None
    }

    pub(super) fn own_seconds() -> Option<f64> {
        None
    }

    pub(super) fn all_seconds() -> Option<(f64, f64)> {
        None
    }

    pub(super) fn listening(_: u16) -> Option<i32> {
        None
    }
}
