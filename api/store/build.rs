//! Lists the migrations, so that they are part of the program and a new one is noticed.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").canonicalize()?;
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = fs::read_dir(&folder)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "sql"))
        .collect();
    names.sort_unstable();
    let mut list = String::from("[");
    for name in names {
        let path = folder.join(&name);
        let stem = name.trim_end_matches(".sql");
        let Some((number, description)) = stem.split_once('_') else {
            return Err(io::Error::other(format!("{name}: a migration is named 0001_what_it_does.sql")));
        };
        let number = number.trim_start_matches('0');
        let _ = write!(
            list,
            "({number}, {:?}, include_str!({:?})),",
            description.replace('_', " "),
            path.display().to_string()
        );
    }
    list.push(']');
    fs::write(Path::new(&env::var("OUT_DIR").map_err(io::Error::other)?).join("migrations.rs"), list)
}
