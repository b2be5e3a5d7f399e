//! The listener: where connections become requests, and where what is no request is refused.
//!
//! The framework answers bytes that it cannot read as a request (a malformed header, a target that is too long) by itself, with
//! a bare status and before any middleware. [`Spoken`] recognizes such an answer on its way out and puts a problem document
//! with a request identifier in its place. Those requests are counted, and logged once a minute.

use std::io::{self, IoSlice};
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Server, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::{App, Error};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::envelope;
use crate::error::{ApiError, Code};
use crate::state;

/// Time within which the head of a request must arrive.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Time for which an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Time that a client has to close a connection that the server has closed.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// Upper bound of the length of a bare answer, in bytes.
const BARE_BYTES: usize = 250;

/// Serves an application on a listener.
pub fn serve<F, T, B>(state: &Arc<state::App>, listener: TcpListener, application: F) -> io::Result<Server>
where
    F: Fn() -> App<T> + Send + Clone + 'static,
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody + 'static,
{
    let address = listener.local_addr()?;
    let mut builder = Server::build().disable_signals().shutdown_timeout(state.settings.shutdown_timeout_s);
    if let Some(workers) = state.settings.workers {
        builder = builder.workers(workers);
    }
    let stopping = builder.graceful_shutdown_signal();
    let shared = Arc::clone(state);
    let builder =
        builder.listen("milepost", listener, move || {
            let (state, stopping) = (Arc::clone(&shared), stopping.clone());
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(HEAD_WITHIN)
                .client_disconnect_timeout(CLOSE_WITHIN)
                .local_addr(address);
            let application = application().into_factory().map_err(|error: Error| error.error_response());
            fn_service(move |stream: TcpStream| {
                let (state, peer) = (Arc::clone(&state), stream.peer_addr().ok());
                // Answers are written whole, so there is nothing to wait for.
                let _ = stream.set_nodelay(true);
                std::future::ready(Ok((
                    Spoken { stream: Some(stream), state, outgoing: None, is_refused: false },
                    Protocol::Http1,
                    peer,
                )))
            })
            .and_then(http.finish(map_config(application, move |()| {
                AppConfig::__priv_test_new(false, address.to_string(), address)
            })))
        })?;
    Ok(builder.run())
}

/// A connection whose bare refusals are spoken out.
struct Spoken {
    /// Present until it is dropped.
    stream: Option<TcpStream>,
    state: Arc<state::App>,
    /// Bytes to write in the place of a buffer, and the number of them that are written already.
    outgoing: Option<(Vec<u8>, usize)>,
    is_refused: bool,
}

/// A refused client may still be sending. If the connection were closed at once, the system would reset it, and the client
/// might never see why: so what it sends is read and thrown away for a moment.
impl Drop for Spoken {
    fn drop(&mut self) {
        let Some(mut stream) = self.stream.take().filter(|_| self.is_refused) else { return };
        actix_web::rt::spawn(tokio::time::timeout(CLOSE_WITHIN, async move {
            let mut waste = vec![0; 16 * 1024];
            let _ = stream.shutdown().await;
            while stream.read(&mut waste).await.is_ok_and(|read| read > 0) {}
        }));
    }
}

impl Spoken {
    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Writes the replacement of a buffer; the buffer counts as written once all of it is.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>, whole: usize) -> Poll<io::Result<usize>> {
        while let Some((bytes, written)) = self.outgoing.take() {
            let outcome = self.stream()?.poll_write(cx, &bytes[written..]);
            match outcome {
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(Ok(more)) if written + more == bytes.len() => break,
                Poll::Ready(Ok(more)) => self.outgoing = Some((bytes, written + more)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.outgoing = Some((bytes, written));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(whole))
    }
}

/// Returns where a bare refusal of the framework begins at the end of a buffer, and its status. Every answer of ours has a
/// request identifier.
fn bare_refusal(buffer: &[u8]) -> Option<(usize, StatusCode)> {
    let head = buffer.strip_suffix(b"\r\n\r\n")?;
    let from = head.len().saturating_sub(BARE_BYTES);
    let start = from + head[from..].windows(10).rposition(|part| part == b"HTTP/1.1 4")?;
    let text = std::str::from_utf8(&head[start..]).ok()?.to_ascii_lowercase();
    let status = StatusCode::from_bytes(head.get(start + 9..start + 12)?).ok()?;
    (text.contains("\r\ncontent-length: 0") && !text.contains("\r\nx-request-id:")).then_some((start, status))
}

/// The failure behind a bare refusal.
fn refusal(status: StatusCode) -> ApiError {
    match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ApiError::new(Code::HeadTooLarge, "The request line and the headers are too large.")
        }
        StatusCode::REQUEST_TIMEOUT => ApiError::new(Code::RequestTimeout, "The request did not arrive in time."),
        _ => ApiError::new(Code::MalformedRequest, "This is not an HTTP request that can be read."),
    }
}

/// The complete answer of a refusal.
fn spoken(state: &state::App, status: StatusCode) -> Vec<u8> {
    let id = state.clock.new_id().to_string();
    let problem = refusal(status).problem("/", &id);
    let status = StatusCode::from_u16(problem.status).unwrap_or(status);
    state.metrics.malformed.with_label_values(&[status.as_str()]).inc();
    if let Some(left_out) = state.metrics.malformed_lines.due() {
        tracing::warn!(request_id = id, status = status.as_u16(), left_out, "a request could not be read");
    }
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let headers: String =
        envelope::bare_headers(&id).into_iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), &body].concat()
}

impl AsyncRead for Spoken {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, into)
    }
}

impl AsyncWrite for Spoken {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        if self.outgoing.is_none() {
            let Some((start, status)) = bare_refusal(buffer) else {
                return self.stream()?.poll_write(cx, buffer);
            };
            let bytes = [&buffer[..start], &spoken(&self.state, status)].concat();
            (self.outgoing, self.is_refused) = (Some((bytes, 0)), true);
        }
        self.poll_outgoing(cx, buffer.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write_vectored(cx, buffers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_refusal_at_the_end_is_one() {
        let bare = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\ndate: Thu, 26 Nov 2026 00:00:00 GMT\r\n\r\n";
        let found = |text: &str| bare_refusal(text.as_bytes());
        assert_eq!(found(bare), Some((0, StatusCode::BAD_REQUEST)));
        let after_another = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{{}}{bare}");
        assert_eq!(found(&after_another).map(|(start, _)| start), Some(after_another.len() - bare.len()));
        let too_large = bare.replace("400 Bad Request", "431 Request Header Fields Too Large");
        assert_eq!(found(&too_large).map(|(_, status)| status.as_u16()), Some(431));
        assert_eq!(found(&bare.replace("date:", "x-request-id:")), None, "an answer of ours");
        assert_eq!(found(&format!("{bare}more")), None);
        assert_eq!(found("HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n"), None);
        assert_eq!(found(""), None);
    }
}
