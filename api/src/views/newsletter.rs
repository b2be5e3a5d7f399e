//! The ceremony of a month as HTML for e-mail: programs that show mail know tables and inline styles, and load nothing.

use actix_web::http::header::CONTENT_DISPOSITION;
use maud::{DOCTYPE, html};

use super::ceremony_markdown::{people_in_words, sections};
use crate::answer::Answer;
use crate::resources::celebrations::Ceremony;

const GROUND: &str = "background:#eef2ff;padding:24px 8px;";
const PAPER: &str = "width:100%;max-width:600px;background:#ffffff;border:1px solid #d1d5db;";
const CELL: &str = "padding:24px;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:24px;color:#1f2937;";
const TITLE: &str = "margin:0 0 8px;font-size:26px;line-height:32px;color:#4338ca;";
const HEADING: &str = "margin:24px 0 8px;font-size:18px;line-height:24px;color:#1f2937;";

/// Returns the newsletter as a file, which no browser shows as a page of this server.
pub fn render(ceremony: &Ceremony) -> Answer {
    let letter = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (ceremony.organization) ": " (ceremony.month_in_words()) }
            }
            body style="margin:0;" {
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" {
                    tr {
                        td align="center" style=(GROUND) {
                            table role="presentation" width="600" cellpadding="0" cellspacing="0" style=(PAPER) {
                                tr {
                                    td style=(CELL) {
                                        h1 style=(TITLE) { (ceremony.organization) ": " (ceremony.month_in_words()) }
                                        p style="margin:0;" { (people_in_words(ceremony)) }
                                        @for (heading, sentences) in sections(ceremony) {
                                            h2 style=(HEADING) { (heading) }
                                            @for sentence in sentences { p style="margin:0 0 6px;" { (sentence) } }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    let name = format!("attachment; filename=\"newsletter-{}.html\"", ceremony.month);
    Answer::text("text/html; charset=utf-8", letter.into_string()).header(CONTENT_DISPOSITION, name)
}
