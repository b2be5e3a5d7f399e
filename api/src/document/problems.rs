//! The page that explains problems and field codes, from the two tables that responses are made from.

use actix_web::HttpResponse;
use maud::{DOCTYPE, PreEscaped, html};
use strum::IntoEnumIterator;

use crate::error::Code;
use crate::field_code::FIELD_CODES;

/// Path of the page: the `type` of a problem points into it.
pub const PROBLEMS_PATH: &str = "/docs/problems";

const STYLE: &str = "body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.3rem 1rem .3rem 0}tr:target{background:#fff3c4;color:#111}\
    :root{color-scheme:light dark}";

/// Shows every kind of problem and every field code.
pub async fn problems_page() -> HttpResponse {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Milepost: problems" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Problems" }
                p { "Every error response is a problem document (RFC 9457). Its " code { "code" } " is one of these. Codes do not change; new ones may be added." }
                table {
                    tr { th { "Code" } th { "Status" } th { "Meaning" } }
                    @for code in Code::iter() {
                        @let (status, title) = code.status_and_title();
                        tr id=(code.name()) { td { code { (code.name()) } } td { (status.as_u16()) } td { (title) } }
                    }
                }
                h2 { "Codes of fields and parameters" }
                p { "Each item of " code { "errors" } " has one of these codes, and a text to be read after the name of the field." }
                table {
                    tr { th { "Code" } th { "Meaning" } th { "Example" } }
                    @for one in FIELD_CODES {
                        tr id={ "field-" (one.code) } { td { code { (one.code) } } td { (one.meaning) } td { (one.example) } }
                    }
                }
            }
        }
    };
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page.into_string())
}
