//! What the system knows about the process, under the names that Prometheus' client libraries use. Only Linux tells.

use super::catalog::{Kind, MetricSink};

/// Writes what the system knows; nothing where it does not say.
pub(crate) fn of_process(to: &mut impl MetricSink) {
    let Some(process) = read() else { return };
    for (name, kind, help, value) in [
        ("process_cpu_seconds", Kind::Counter, "CPU time that the process has used.", process.cpu_seconds),
        ("process_resident_memory_bytes", Kind::Gauge, "Memory of the process in RAM.", process.resident),
        ("process_virtual_memory_bytes", Kind::Gauge, "Address space of the process.", process.address_space),
        ("process_open_fds", Kind::Gauge, "Open file descriptors.", process.open_fds),
        ("process_max_fds", Kind::Gauge, "The limit of open file descriptors.", process.max_fds),
        ("process_start_time_seconds", Kind::Gauge, "When the process began, in seconds since 1970.", process.started),
    ] {
        to.family(name, kind, help);
        to.float(&[], value);
    }
}

struct Process {
    cpu_seconds: f64,
    resident: f64,
    address_space: f64,
    open_fds: f64,
    max_fds: f64,
    started: f64,
}

#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "metrics are floats")]
fn read() -> Option<Process> {
    use procfs::process::LimitValue;

    let process = procfs::process::Process::myself().ok()?;
    let (stat, limits) = (process.stat().ok()?, process.limits().ok()?);
    let ticks = procfs::ticks_per_second() as f64;
    let booted = procfs::boot_time_secs().ok()? as f64;
    let max_fds = match limits.max_open_files.soft_limit {
        LimitValue::Unlimited => f64::INFINITY,
        LimitValue::Value(count) => count as f64,
    };
    Some(Process {
        cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
        resident: stat.rss as f64 * procfs::page_size() as f64,
        address_space: stat.vsize as f64,
        open_fds: process.fd_count().ok()? as f64,
        max_fds,
        started: booted + stat.starttime as f64 / ticks,
    })
}

#[cfg(not(target_os = "linux"))]
const fn read() -> Option<Process> {
    None
}
