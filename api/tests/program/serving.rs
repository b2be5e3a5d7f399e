//! The program as a process: its commands, and a server that is always ended.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Returns a command of the program on a data directory, without the settings of whoever runs the tests.
pub fn milepost(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_milepost"));
    let settings = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("MILEPOST_"));
    for name in settings.collect::<Vec<_>>() {
        command.env_remove(name);
    }
    command.args(arguments).env("MILEPOST_DATA_DIR", directory);
    command
}

/// Runs a command to its end.
pub fn run(directory: &Path, arguments: &[&str]) -> Output {
    milepost(directory, arguments).output().expect("it runs")
}

/// Returns output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Creates an API key with the scope admin.
pub fn admin_key(directory: &Path, organization: &str) -> String {
    let made = run(directory, &["key", "create", "--organization", organization, "--scopes", "admin"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    text(&made.stdout).trim().to_owned()
}

/// A running server. It is killed on drop, so that a failing test leaves no process behind.
pub struct Serving {
    /// The process.
    pub child: Child,
    /// Its URL.
    pub url: String,
    /// Its output after the first line.
    pub out: BufReader<ChildStdout>,
}

impl Serving {
    /// Starts a server on a data directory.
    pub fn start(directory: &Path, arguments: &[&str]) -> Self {
        Self::start_with(directory, arguments, |command| {
            command.stderr(Stdio::null());
        })
    }

    /// Starts a server after a change of its command.
    pub fn start_with(directory: &Path, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let mut command = milepost(directory, &["serve", "--listen", "127.0.0.1:0", "--workers", "1"]);
        change(command.args(arguments).stdout(Stdio::piped()));
        let mut child = command.spawn().expect("it starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut first = String::new();
        out.read_line(&mut first).expect("a first line");
        let url = first.trim().strip_prefix("Listening on ").expect("the address is the first line").to_owned();
        Self { child, url, out }
    }

    /// Sends a request, and returns status and body.
    pub fn call(&self, method: &str, path: &str, key: &str, body: Option<Value>) -> (u16, Value) {
        call(method, &format!("{}{path}", self.url), key, body)
    }

    /// Stops the server in the way an operator would, waits until it has stopped, and returns the rest of its output.
    pub fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("a signal").success());
        assert!(self.child.wait().expect("it ends").success(), "it ends well");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("its output");
        rest
    }
}

impl Serving {
    /// Ends the server as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request, and returns status and body.
pub fn call(method: &str, url: &str, key: &str, body: Option<Value>) -> (u16, Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client");
        let mut request = client.request(method, url).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    })
}
