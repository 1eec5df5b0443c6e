//! The machine a run happened on: processor, memory, instruction sets. Read from the system; absent where it does not say.

use std::fs;
use std::thread;

use serde::{Deserialize, Serialize};

/// What speed and, in the last digits, results depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture, e.g. `linux x86_64`.
    pub system: String,
    /// Model name of the processor.
    pub cpu: Option<String>,
    /// Logical cores this process may use.
    pub cores: usize,
    /// Threads the run used.
    pub threads: usize,
    /// Memory, in bytes.
    pub memory: Option<u64>,
    /// Instruction sets detected that the kernels here care about.
    pub instruction_sets: Vec<String>,
}

impl Machine {
    /// This machine, for a run on `threads` threads.
    pub fn detect(threads: usize) -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cpu: value(&read("/proc/cpuinfo"), "model name").map(str::to_string),
            cores: thread::available_parallelism().map_or(1, usize::from),
            threads,
            memory: value(&read("/proc/meminfo"), "MemTotal").and_then(kibibytes),
            instruction_sets: instruction_sets(),
        }
    }
}

/// Most memory this process has held so far, in bytes (the kernel's VmHWM).
pub fn peak_memory() -> Option<u64> {
    value(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM").and_then(kibibytes)
}

/// Memory that can be had without swapping, in bytes (the kernel's MemAvailable).
pub fn available_memory() -> Option<u64> {
    value(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable").and_then(kibibytes)
}

/// The value of the first `key: value` line, as in files below /proc.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.trim(), value.trim())).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// `8040 kB` in bytes; the kernel's kB are 1,024 bytes.
fn kibibytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(target_arch = "x86_64")]
fn instruction_sets() -> Vec<String> {
    // The macro takes literals only, hence a macro.
    macro_rules! detected {
        ($($name:tt),*) => {
            [$(($name, std::arch::is_x86_feature_detected!($name))),*]
        };
    }
    let all = detected!("sse4.2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512vnni");
    all.into_iter().filter(|(_, present)| *present).map(|(name, _)| name.to_string()).collect()
}

#[cfg(target_arch = "aarch64")]
fn instruction_sets() -> Vec<String> {
    macro_rules! detected {
        ($($name:tt),*) => {
            [$(($name, std::arch::is_aarch64_feature_detected!($name))),*]
        };
    }
    let all = detected!("neon", "fp16", "dotprod", "sve");
    all.into_iter().filter(|(_, present)| *present).map(|(name, _)| name.to_string()).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn instruction_sets() -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests;
