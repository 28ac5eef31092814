//! What this process may use: control groups considered.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use hooke_core::provenance::Machine;

/// Never less than this, whatever the control group says: one needs something to say so.
const SMALLEST_DEFAULT: u64 = 256 << 20;

/// Half of the memory that is free, in bytes: the default of `--memory`.
pub fn default_memory() -> u64 {
    (Host::here().free() / 2).max(SMALLEST_DEFAULT)
}

/// Threads that this process may use.
pub fn threads() -> usize {
    let threads = available_parallelism().map_or(1, usize::from);
    match Host::here().processors() {
        Some(quota) => threads.min((quota.ceil() as usize).max(1)),
        None => threads,
    }
}

/// Resident memory of this process now, and its peak since it began, in bytes; 0 where the
/// system does not say.
pub fn resident_bytes() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    (field(&status, "VmRSS:"), field(&status, "VmHWM:"))
}

/// Processor seconds of this process so far.
pub fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The machine, for provenance.
pub fn describe(threads: usize) -> Machine {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
    Machine {
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cpu: name.map_or("", |(_, name)| name.trim()).to_owned(),
        threads,
        memory_bytes: Host::here().total(),
        gpu: None,
    }
}

/// A line like `VmRSS:   1234 kB`, in bytes.
fn field(text: &str, name: &str) -> u64 {
    let value = text.lines().find_map(|l| l.strip_prefix(name)?.split_whitespace().next());
    value.and_then(|v| v.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The files of `/proc` and `/sys` below a root, so that tests can lay out others.
struct Host {
    root: PathBuf,
}

impl Host {
    fn here() -> Host {
        Host { root: PathBuf::from("/") }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    fn number(&self, path: &Path) -> Option<u64> {
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    /// Folders of this process's control group and those above it, of version 2 or of the given
    /// controller of version 1.
    fn groups(&self, controller: &str) -> Vec<PathBuf> {
        let text = self.read("proc/self/cgroup");
        let mut folders = Vec::new();
        for line in text.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(names), Some(path)) = (parts.next(), parts.next()) else { continue };
            let mount = match names {
                "" => self.root.join("sys/fs/cgroup"),
                names if names.split(',').any(|n| n == controller) => {
                    self.root.join("sys/fs/cgroup").join(controller)
                }
                _ => continue,
            };
            // In a container the path may be the host's: then only the mount's own files count.
            let inside = Path::new(path.trim_start_matches('/'));
            folders.extend(inside.ancestors().map(|a| mount.join(a)));
        }
        folders
    }

    /// The tightest limit of all control groups and what is left of it: `(limit, free)`.
    fn limit(&self) -> Option<(u64, u64)> {
        let limits = self.groups("memory").into_iter().filter_map(|folder| {
            let v2 = (self.number(&folder.join("memory.max")), "memory.current", "inactive_file ");
            let v1 = (
                self.number(&folder.join("memory.limit_in_bytes")),
                "memory.usage_in_bytes",
                "total_inactive_file ",
            );
            let (limit, usage, cached) = if v2.0.is_some() { v2 } else { v1 };
            let limit = limit?;
            let usage = self.number(&folder.join(usage)).unwrap_or(0);
            // Cached files count as used, but are given up at once.
            let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
            let cached = stat.lines().find_map(|l| l.strip_prefix(cached)?.parse().ok());
            let used = usage.saturating_sub(cached.unwrap_or(0));
            Some((limit, limit.saturating_sub(used)))
        });
        limits.min_by_key(|(limit, free)| (*free, *limit))
    }

    fn total(&self) -> u64 {
        let machine = field(&self.read("proc/meminfo"), "MemTotal:");
        self.limit().map_or(machine, |(limit, _)| limit.min(machine))
    }

    fn free(&self) -> u64 {
        let machine = field(&self.read("proc/meminfo"), "MemAvailable:");
        self.limit().map_or(machine, |(_, free)| free.min(machine))
    }

    /// Processors that the tightest quota allows.
    fn processors(&self) -> Option<f64> {
        let quotas = self.groups("cpu").into_iter().filter_map(|folder| {
            let v2 = fs::read_to_string(folder.join("cpu.max")).ok().and_then(|text| {
                let mut numbers = text.split_whitespace().map(str::parse::<f64>);
                Some(numbers.next()?.ok()? / numbers.next()?.ok()?)
            });
            let v1 = || {
                let quota = self.number(&folder.join("cpu.cfs_quota_us"))?;
                Some(quota as f64 / self.number(&folder.join("cpu.cfs_period_us"))? as f64)
            };
            v2.or_else(v1)
        });
        quotas.filter(|q| q.is_finite() && *q > 0.0).min_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn lay_out(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let root = folder.path().to_owned();
        (folder, Host { root })
    }

    const MEMORY: &str = "MemTotal: 16000 kB\nMemFree: 1 kB\nMemAvailable: 8000 kB\n";

    #[test]
    fn without_groups_the_machine_counts() {
        let (_keep, host) = lay_out(&[("proc/meminfo", MEMORY)]);
        assert_eq!((host.total(), host.free()), (16000 * 1024, 8000 * 1024));
        assert_eq!(host.processors(), None);
    }

    #[test]
    fn version_2_limits_of_a_parent_count() {
        let (_keep, host) = lay_out(&[
            ("proc/meminfo", MEMORY),
            ("proc/self/cgroup", "0::/user/job\n"),
            ("sys/fs/cgroup/user/memory.max", "4096000\n"),
            ("sys/fs/cgroup/user/memory.current", "1096000\n"),
            ("sys/fs/cgroup/user/memory.stat", "anon 5\ninactive_file 96000\n"),
            ("sys/fs/cgroup/user/job/memory.max", "max\n"),
            ("sys/fs/cgroup/user/job/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/user/cpu.max", "max 100000\n"),
        ]);
        assert_eq!((host.total(), host.free()), (4096000, 3096000));
        assert_eq!(host.processors(), Some(1.5));
    }

    #[test]
    fn version_1_limits_count_and_their_infinity_does_not() {
        let (_keep, host) = lay_out(&[
            ("proc/meminfo", MEMORY),
            ("proc/self/cgroup", "4:memory:/job\n3:cpu,cpuacct:/job\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "12\n"),
            ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "1000000\n"),
            ("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "400000\n"),
            ("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!((host.total(), host.free()), (1000000, 600000));
        assert_eq!(host.processors(), Some(2.0));
    }

    #[test]
    fn this_process_has_a_size() {
        let (now, peak) = resident_bytes();
        assert!(now > 0 && peak >= now / 2);
        assert!(threads() >= 1 && default_memory() >= SMALLEST_DEFAULT);
        assert!(cpu_seconds() > 0.0);
    }
}
