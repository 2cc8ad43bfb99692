//! Every implementation of the log passes the suite, and the embedded one survives what disks do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test program: helpers fail the test by panicking"
)]

#[path = "log/ahead.rs"]
mod ahead;
#[path = "log/crashes.rs"]
mod crashes;
#[path = "log/damage.rs"]
mod damage;
#[path = "log/failing_disk.rs"]
mod failing_disk;
#[path = "log/subjects.rs"]
mod subjects;

mod memory {
    chasqui_log::conformance!(crate::subjects::Memory);
}

mod embedded_on_the_real_disk {
    chasqui_log::conformance!(crate::subjects::OnRealDisk);
}

mod embedded_on_the_crash_disk {
    chasqui_log::conformance!(crate::subjects::OnCrashDisk::default());
}

/// With nothing kept in memory every read goes to disk.
mod embedded_without_a_cache {
    chasqui_log::conformance!(crate::subjects::OnCrashDisk { cache_bytes: 0, ..Default::default() });
}

/// Reopening is a crash: the conformance suite must not notice.
mod embedded_that_crashes {
    chasqui_log::conformance!(crate::subjects::OnCrashDisk { crashes: true, ..Default::default() });
}
