//! The fuzzing binary: libFuzzer calls the target that the environment variable `TARGET` names.
//!
//! One binary holds all targets because linking it takes longer than compiling it. `make fuzz` runs it; see
//! docs/reliability.md.

#![no_main]

mod memory;
mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

#[global_allocator]
static ALLOCATOR: memory::Limited = memory::Limited;

static RUNNING: OnceLock<(&'static targets::Target, targets::Scratch)> = OnceLock::new();

fn start() {
    let name = std::env::var("TARGET").unwrap_or_default();
    let Some(target) = targets::ALL.iter().find(|target| target.name == name) else {
        let names: Vec<&str> = targets::ALL.iter().map(|target| target.name).collect();
        eprintln!("TARGET={name:?} is not a fuzz target; set it to one of {}", names.join(", "));
        std::process::exit(2);
    };
    let _ = RUNNING.set((target, targets::Scratch::new(target.name)));
}

fuzz_target!(init: start(), |data: &[u8]| {
    if let Some((target, scratch)) = RUNNING.get() {
        (target.run)(scratch, data);
    }
});
