//! A client that sends the same request on many connections and times every answer.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 32;

/// How long each path is measured.
pub const MEASURED: Duration = Duration::from_secs(4);

/// Measurements of one path.
pub struct Seen {
    pub per_second: f64,
    pub median: Duration,
    pub p99: Duration,
}

/// Sends the same request repeatedly on several connections for a period of time.
pub async fn load(address: &str, path: &str, key: &str, accept: &str) -> Seen {
    load_with(address, path, key, accept, CONNECTIONS).await
}

pub async fn load_with(address: &str, path: &str, key: &str, accept: &str, connections: usize) -> Seen {
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: {accept}\r\nauthorization: Bearer {key}\r\n\r\n");
    one(&mut TcpStream::connect(address).await.expect("a connection"), &request, &mut Vec::new()).await;
    let until = Instant::now() + MEASURED;
    let started = Instant::now();
    let workers = (0..connections).map(|_| {
        let (address, request) = (address.to_owned(), request.clone());
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(&address).await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let (mut times, mut buffer) = (Vec::new(), Vec::new());
            while Instant::now() < until {
                let sent = Instant::now();
                one(&mut stream, &request, &mut buffer).await;
                times.push(sent.elapsed());
            }
            times
        })
    });
    let mut times: Vec<Duration> = vec![];
    for worker in futures_util::future::join_all(workers).await {
        times.extend(worker.expect("a worker"));
    }
    let took = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Seen { per_second: times.len() as f64 / took, median: at(0.5), p99: at(0.99) }
}

/// Sends one request and reads the whole response, which must be a 200.
pub async fn one(stream: &mut TcpStream, request: &str, buffer: &mut Vec<u8>) {
    stream.write_all(request.as_bytes()).await.expect("sent");
    buffer.clear();
    let head = loop {
        assert!(stream.read_buf(buffer).await.expect("an answer") > 0, "closed: {}", String::from_utf8_lossy(buffer));
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = std::str::from_utf8(&buffer[..head]).expect("a head").to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 200"), "{}", String::from_utf8_lossy(buffer));
    let length =
        text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
    loop {
        let is_whole = match length {
            Some(length) => buffer.len() >= head + length,
            None => buffer.ends_with(b"0\r\n\r\n"),
        };
        if is_whole {
            return;
        }
        assert!(stream.read_buf(buffer).await.expect("an answer") > 0, "closed early");
    }
}
