//! E-mail: to the mail server that the settings name, or into files that a mail program opens.

use std::path::PathBuf;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, Message};
use lettre::transport::file::AsyncFileTransport;
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{Address, AsyncTransport as _, Tokio1Executor};

use crate::config::Settings;

/// Directory of messages as files, in the data directory.
const OUTBOX: &str = "outbox";
/// Longest line of a message in bytes, without its end (RFC 5322, 2.1.1).
const LONGEST_LINE: usize = 998;

/// The way in which messages leave.
#[derive(Debug)]
pub struct Mail {
    from: Mailbox,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Server(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Files(PathBuf),
}

impl Mail {
    /// As the settings say.
    pub fn of(settings: &Settings) -> Result<Self, String> {
        let from = settings.mail.mail_from.parse().map_err(|error| format!("the sender of messages: {error}"))?;
        let way = match &settings.mail.smtp_url {
            // What the library says of an address may repeat the password in it.
            Some(url) => AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal())
                .map(|transport| Way::Server(Box::new(transport.build())))
                .map_err(|_| "the mail server's address is not of the form smtps://user:password@host".to_owned())?,
            None => Way::Files(settings.storage.data_dir.join(OUTBOX)),
        };
        Ok(Self { from, way })
    }

    /// Sends a text to somebody.
    pub async fn send(&self, name: &str, address: &str, subject: &str, text: String) -> Result<(), String> {
        let address: Address = address.parse().map_err(|error| format!("{error}"))?;
        let to = Mailbox::new(Some(name.to_owned()), address);
        let message =
            Message::builder().from(self.from.clone()).to(to).subject(subject).header(ContentType::TEXT_PLAIN);
        let message = message.body(self.body(text)).map_err(|error| error.to_string())?;
        match &self.way {
            Way::Server(server) => server.send(message).await.map(|_| ()).map_err(|error| error.to_string()),
            Way::Files(directory) => {
                tokio::fs::create_dir_all(directory).await.map_err(|error| error.to_string())?;
                let files = AsyncFileTransport::<Tokio1Executor>::new(directory);
                files.send(message).await.map(|_| ()).map_err(|error| error.to_string())
            }
        }
    }

    /// The text, encoded so that its lines stay whole and can be copied out of a file; only a mail server is not trusted with letters
    /// beyond ASCII.
    fn body(&self, text: String) -> Body {
        let encoding = match &self.way {
            _ if text.lines().any(|line| line.len() > LONGEST_LINE) => None,
            _ if text.is_ascii() => Some(ContentTransferEncoding::SevenBit),
            Way::Files(_) => Some(ContentTransferEncoding::EightBit),
            Way::Server(_) => None,
        };
        match encoding {
            // The library takes neither for lines of more than 76 bytes.
            Some(encoding) => Body::dangerous_pre_encoded(text.replace('\n', "\r\n").into_bytes(), encoding),
            None => Body::new(text),
        }
    }
}
