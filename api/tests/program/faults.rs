//! Faults of the machine under a running program: a full disk, a sync that fails, a clock that jumps.
//!
//! They are made by a small library that is preloaded into the program, so neither a special disk nor special rights are
//! needed. It needs Linux and a C compiler, which SQLite needs too.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The switches of one program's faults.
pub struct Faults {
    file: std::fs::File,
    path: PathBuf,
}

/// Returns the library, compiled once; none where that is impossible, which is said loudly and fails in CI.
fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let compiled = LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/faults.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("faults-{}.so", std::process::id()));
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        let is_compiled = cfg!(target_os = "linux") && compiler.status().is_ok_and(|status| status.success());
        is_compiled.then_some(library)
    });
    if compiled.is_none() {
        eprintln!("SKIPPED: faults of the machine need Linux and a C compiler named cc");
        assert!(std::env::var_os("CI").is_none(), "CI runs this test");
    }
    compiled.as_deref()
}

impl Faults {
    /// Prepares faults, all switched off, with their file in a directory.
    pub fn prepare(directory: &Path) -> Option<Self> {
        library()?;
        let path = directory.join("faults");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).expect("a file");
        file.set_len(64).expect("room for the switches");
        Some(Self { file, path })
    }

    /// Lets a command run under these faults.
    pub fn apply(&self, command: &mut Command) {
        let library = library().expect("compiled when the faults were prepared");
        command.env("LD_PRELOAD", library).env("MILEPOST_FAULTS", &self.path);
    }

    /// Moves the program's clock by seconds.
    pub fn clock_offset(&self, seconds: i64) {
        self.file.write_all_at(&seconds.to_ne_bytes(), 0).expect("written");
    }

    /// Fills the disk, or makes room.
    pub fn disk_is_full(&self, is_on: bool) {
        self.switch(8, is_on);
    }

    /// Lets syncs of files fail.
    pub fn sync_fails(&self, is_on: bool) {
        self.switch(12, is_on);
    }

    /// Lets writes to the log fail.
    pub fn log_is_full(&self, is_on: bool) {
        self.switch(16, is_on);
    }

    fn switch(&self, at: u64, is_on: bool) {
        self.file.write_all_at(&i32::from(is_on).to_ne_bytes(), at).expect("written");
    }
}
