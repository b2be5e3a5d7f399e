//! The `milepost` program: parses the command line, sets up logging and runs the command.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use milepost::commands::{CommandLine, run};
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
async fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    // Whatever this program writes is its owner's alone: the database with its log, backups, checkpoints.
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // Logs go to standard error: as text on a terminal, otherwise as JSON lines. MILEPOST_LOG selects what is logged.
    let filter = EnvFilter::try_from_env("MILEPOST_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A log that cannot be written, on a full disk for instance, must not fail what it tells of.
    let logs = logs.log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        logs.compact().init();
    } else {
        logs.json().init();
    }
    match run(command_line.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("milepost: {failure}");
            ExitCode::FAILURE
        }
    }
}
