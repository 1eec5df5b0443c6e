use super::*;

#[test]
fn reads_the_kernel_s_files() {
    let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz: rev 2\nprocessor\t: 1\nmodel name\t: other\n";
    assert_eq!(value(cpuinfo, "model name"), Some("Some CPU @ 2.0GHz: rev 2"));
    assert_eq!(value("MemTotal:        8040 kB\n", "MemTotal").and_then(kibibytes), Some(8040 * 1024));
    assert_eq!(value("VmPeak: 1 kB\n", "VmHWM"), None);
    assert_eq!(kibibytes("many kB"), None);
}

#[cfg(target_os = "linux")]
#[test]
fn this_machine_is_described() {
    let machine = Machine::detect(2);
    assert!(machine.cores >= 1 && machine.threads == 2);
    assert!(machine.memory.unwrap() > 1 << 20);
    let peak = peak_memory().unwrap();
    assert!(peak > 1 << 20 && peak < machine.memory.unwrap());
}
