//! What the figures were measured on.

use std::fs;
use std::process::Command;

/// Returns a line about the machine: processor, cores, memory, kernel.
pub(super) fn describe() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let cpu = read("/proc/cpuinfo");
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kib: u64 = field(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let (model, kernel) = (field(&cpu, "model name"), kernel.trim());
    format!("{model}, {cores} cores, {} GiB, Linux {kernel}", kib.div_ceil(1 << 20))
}

/// Returns how many processes compete for the processors, averaged over the last minute.
pub(super) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().next().unwrap_or("?").to_owned()
}

/// Returns the commit measured, with a mark if files differ from it.
pub(super) fn commit() -> String {
    let git = |args: &[&str]| {
        let out = Command::new("git").args(args).output().ok().filter(|out| out.status.success());
        out.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", "src", "Cargo.toml"]);
    let mark = if changed.is_some_and(|changed| !changed.is_empty()) { "+" } else { "" };
    format!("{}{mark}", git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned()))
}

/// Returns the processor time used so far by this process and by the children it waited for, seconds. Where a machine is
/// shared this says more than the clock.
pub(super) fn processor_time() -> (f64, f64) {
    let (_, own, waited_for) = used("self");
    (own, waited_for)
}

/// Returns the processor time used so far by a process, by those that it started and by those that it waited for, seconds.
pub(super) fn processor_time_of(process: u32) -> f64 {
    let running = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = running.filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_str().filter(|name| name.starts_with(|digit: char| digit.is_ascii_digit()))?;
        let (parent, own, _) = used(name);
        (parent == process).then_some(own)
    });
    let (_, own, waited_for) = used(&process.to_string());
    own + waited_for + children.sum::<f64>()
}

/// Returns a process's parent, the processor time it used, and that of those it waited for.
fn used(process: &str) -> (u32, f64, f64) {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Counted behind the name, which may hold anything; in hundredths of a second on every Linux in use.
    let fields: Vec<f64> = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect())
        .unwrap_or_default();
    let sum = |first: usize| fields.iter().skip(first).take(2).sum::<f64>() / 100.0;
    (fields.get(1).map_or(0, |parent| *parent as u32), sum(11), sum(13))
}

/// Returns the resident memory of this process, bytes.
pub(super) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default();
    kib * 1024
}
