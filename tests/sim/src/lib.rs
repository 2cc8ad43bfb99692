//! A simulation of the whole: the real sequencer, router, gateway and client on a log and a store in memory, in one
//! thread, with a simulated clock. A seed decides what people do, what goes wrong, and who runs next; the same seed gives
//! the same run.
//!
//! ```text
//!  seed ─▶ plan ─▶ run ─────────────────────────────▶ evidence ─▶ oracle
//!                   │ director: acts and faults           (chasqui-oracle)
//!                   ├ world: roles and devices in processes
//!                   │   ├ log, store: each process's own connection to them
//!                   │   └ network: connections between devices and gateways
//!                   └ scheduler: who runs next, and what time it is
//! ```
//!
//! That it notices what is broken is shown by `make mutants`: `mutants.toml` lists breaks of the product, one place each,
//! and each must be found by a seed.

mod device;
mod dice;
mod director;
mod evidence;
mod journal;
mod log;
pub mod mutants;
mod network;
mod pipe;
pub mod plan;
mod process;
mod roles;
mod run;
mod scheduler;
mod search;
mod store;
mod trace;
pub mod weather;
mod witness;
mod world;

pub use plan::Plan;
pub use run::{Outcome, run};
pub use search::{Failure, Found, Seeds, kept, search, show, shrink, shrink_while};
