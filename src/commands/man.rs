//! `corda man`: the manual pages, made from the definition of the command line.

use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use corda::atomic::{self, WriteError};
use corda::{out, outln};

/// Prints the page of `corda`, or writes one page per command into a folder and lists them.
///
/// # Errors
/// If a file cannot be written.
pub fn write(command: Command, out: Option<&Path>) -> Result<(), WriteError> {
    // `help` says what the pages say.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let Some(folder) = out else {
        out!("{}", String::from_utf8_lossy(&page(&command)));
        return Ok(());
    };
    let shown = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    for one in std::iter::once(&command).chain(shown) {
        let path = folder.join(Man::new(one.clone()).get_filename());
        atomic::write_bytes(&path, &page(one))?;
        outln!("{}", path.display());
    }
    Ok(())
}

fn page(command: &Command) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail.
    let _ = Man::new(command.clone()).render(&mut bytes);
    bytes
}
