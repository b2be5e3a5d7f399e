//! The status report as one HTML page, which a client opens from a share link or receives by mail.
//!
//! The page loads nothing from other servers and runs no scripts. Its only style is its own, which the content security
//! policy allows by its hash.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderName};
use chrono::NaiveDate;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use milepost_domain::plan::schedule::Status;
use milepost_domain::plan::share::{ShareField, Visibility};

use super::page::head;
use super::pictures;
use super::security::policy;
use super::status_markdown::{following, in_words, names};
use crate::answer::Answer;
use crate::error::{ApiError, Problem};
use crate::read_model::PlanView;
use crate::resources::date_changes::DateChange;
use crate::resources::status_report::value::against_plan;
use crate::resources::status_report::{
    MilestoneAtRisk, Reported, ReportedCorrection, ReportedMilestone, ReportedValue, StatusReport,
};

const STYLE: &str = include_str!("status_page.css");

static POLICY: LazyLock<String> = LazyLock::new(|| policy(STYLE));

/// Returns the page that a browser shows when a shared page is unavailable or a form was filled in wrongly. The page is the
/// same for an unknown, an expired and a revoked link.
pub fn failure(problem: &Problem) -> HttpResponse {
    let (title, advice) = match problem.status {
        404 => (
            "This page is not there",
            "The link leads nowhere, or no longer does. Ask whoever sent it to you for a new one.",
        ),
        410 => (
            "This award was revoked",
            "The organization has taken it back, and it counts for nothing. Ask its holder for what they hold at present.",
        ),
        422 if problem.names("/by") => {
            ("Please give your name", "Go back and enter your name, in one line of at most 100 characters.")
        }
        400 | 413 | 415 | 422 => ("This did not work", "Go back to the page, check what you entered, and try again."),
        429 => ("One moment, please", "This page was opened very often just now. Try again in a minute."),
        _ => ("This did not work", "Nothing is lost. Try again in a moment."),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, STYLE, None))
            body {
                main { h1 { (title) } p.lead { (advice) } }
                footer { p { small { "If it happens again, quote the request " (problem.request_id) "." } } }
            }
        }
    };
    HttpResponse::build(StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.as_str()))
        .body(page.into_string())
}

/// Returns the page as a response. With a share link's path, the client can acknowledge date changes on it.
pub fn respond(report: &StatusReport, reported: &Reported<'_>, share_path: Option<&str>) -> Result<Answer, ApiError> {
    let visible = reported.visible;
    let view = PlanView::from(&reported.record.restricted_to(visible));
    let s_curve = visible.has(ShareField::SCurve).then(|| pictures::draw_s_curve(&view, report.as_of)).transpose()?;
    let trend = visible.has(ShareField::Trend).then(|| pictures::draw_trend(&view, report.as_of)).transpose()?;
    let pictures = Pictures { s_curve, trend, logo: reported.organization.logo.as_deref() };
    let page = lay_out(report, visible, share_path, pictures);
    Ok(Answer::text("text/html; charset=utf-8", page.into_string())
        .header(CONTENT_SECURITY_POLICY, POLICY.as_str())
        .header(HeaderName::from_static("x-robots-tag"), "noindex, nofollow"))
}

/// Pictures on the page.
struct Pictures<'a> {
    s_curve: Option<String>,
    trend: Option<String>,
    logo: Option<&'a str>,
}

fn lay_out(report: &StatusReport, visible: &Visibility, share_path: Option<&str>, pictures: Pictures<'_>) -> Markup {
    // A page that is mailed or printed shows everything at once.
    let is_open = share_path.is_none();
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{}: status on {}", report.plan_name, report.as_of), STYLE, None))
            body {
                (header(report, pictures.logo))
                main {
                    section {
                        h2 { "Completed since " (date(report.since_on)) }
                        @if report.completed.is_empty() { p.none { "None." } }
                        ul.completed { @for one in &report.completed { li { (completed(one)) } } }
                    }
                    @if report.achieved < report.in_scope { section {
                        h2 { "At risk" }
                        @if report.at_risk.is_empty() { p.none { "None." } }
                        (some(report.at_risk.iter().map(|one| at_risk(one, is_open)).collect(), is_open))
                    } }
                    @if visible.has(ShareField::DateChanges) {
                        section {
                            h2 { "Dates that moved" }
                            @if report.date_changes.is_empty() { p.none { "None." } }
                            @let causes = report.date_changes.iter().filter(|one| one.follows.is_none());
                            @let cards = causes.map(|one| date_change(one, &report.date_changes, share_path)).collect();
                            (some(cards, is_open))
                        }
                    }
                    @if !report.corrections.is_empty() {
                        section {
                            h2 { "Corrected" }
                            ul { @for one in &report.corrections { li { (correction(one)) } } }
                        }
                    }
                    @if report.achieved < report.in_scope {
                        section {
                            h2 { "The next two weeks" }
                            @if report.next_two_weeks.is_empty() { p.none { "Nothing is due." } }
                            ul.next { @for one in &report.next_two_weeks { li { (upcoming(one)) } } }
                        }
                    }
                    @if let Some(picture) = pictures.s_curve {
                        section {
                            h2 { "Planned, done and expected" }
                            figure tabindex="0" { (PreEscaped(picture)) }
                        }
                    }
                    @if let Some(picture) = pictures.trend {
                        details open[is_open] {
                            summary { h2 { "How dates moved" } }
                            figure tabindex="0" {
                                (PreEscaped(picture))
                                figcaption {
                                    "Each line is a milestone: the date expected, over the day on which it was expected. A level line "
                                    "is a date that was kept. Dashed lines with triangles are late."
                                }
                            }
                        }
                    }
                    details open[is_open] {
                        summary { h2 { "All " (report.milestones.len()) " milestones" } }
                        (milestones(&report.milestones, visible))
                    }
                }
                (footer(report, share_path))
            }
        }
    }
}

fn header(report: &StatusReport, logo: Option<&str>) -> Markup {
    let for_customer = report.customer_name.as_deref().map(|name| format!(" for {name}")).unwrap_or_default();
    html! {
        header {
            p.sender {
                @if let Some(logo) = logo { img src=(logo) alt="" height="36"; " " }
                (report.organization_name)
            }
            h1 { (report.plan_name) }
            p.lead {
                "Status on " (date(report.as_of)) (for_customer) ": " (badge(report.status)) " "
                strong { (report.achieved) " of " (report.in_scope) } " milestones completed."
            }
            @if let Some(since) = report.on_hold_since {
                p.lead { "The plan has been on hold since " (date(since)) ". Its dates stand still until it is resumed." }
            }
            @for sentence in &report.summary { p.lead { (sentence) } }
            @if let Some(value) = &report.earned_value { (figures(value)) }
        }
    }
}

fn footer(report: &StatusReport, share_path: Option<&str>) -> Markup {
    html! {
        footer {
            p {
                "An open milestone is expected on the day of this report at the earliest, and what waits for it after that."
                @if let Some(path) = share_path { " " a href=(format!("{path}/calendar.ics")) { "The dates for your calendar" } "." }
            }
            @if let Some(contact) = &report.contact { p.contact { "Questions? " (contact) } }
        }
    }
}

/// Number of cards that a section shows before the rest is folded away.
const CARDS: usize = 3;

/// Returns the first cards of a section, and the others behind a line that opens them.
fn some(mut cards: Vec<Markup>, is_open: bool) -> Markup {
    let rest = cards.split_off(cards.len().min(CARDS));
    html! {
        @for card in &cards { (card) }
        @if !rest.is_empty() {
            details open[is_open] {
                summary { (rest.len()) " more" }
                @for card in &rest { (card) }
            }
        }
    }
}

fn date(on: NaiveDate) -> Markup {
    html! { time datetime=(on) { (pictures::day_in_full(on)) } }
}

fn optional_date(on: Option<NaiveDate>) -> Markup {
    html! { @if let Some(on) = on { (date(on)) } @else { span.none { "–" } } }
}

/// Returns a status badge, which shows the status in words and not only by color.
fn badge(status: Status) -> Markup {
    html! { span class=(format!("badge {status}")) { (in_words(status)) } }
}

fn figures(value: &ReportedValue) -> Markup {
    let percent = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.0} %"));
    html! {
        dl.figures {
            @if !value.finished {
                div { dt { "Planned by now" } dd { (percent(value.planned_percent)) } }
                div { dt { "Done" } dd { (percent(value.earned_percent)) } }
            }
            div { dt { "Planned finish" } dd { (optional_date(value.planned_finish_on)) } }
            div {
                dt { @if value.finished { "Finished" } @else { "Expected finish" } }
                dd { (optional_date(value.expected_finish_on)) @if let Some(days) = value.finish_variance_days { (late(days)) } }
            }
        }
    }
}

/// Returns the variance as words beside a date, set apart if it is late.
fn late(days: i64) -> Markup {
    html! { span.late[days > 0] { (against_plan(days)) } }
}

fn completed(one: &ReportedMilestone) -> Markup {
    html! { strong { (one.name) } ", " (optional_date(one.actual_on)) (late(one.variance_days)) }
}

fn at_risk(one: &MilestoneAtRisk, is_open: bool) -> Markup {
    let milestone = &one.milestone;
    html! {
        article class=(format!("cause {}", milestone.status)) {
            h3 { (milestone.name) " " (badge(milestone.status)) }
            p {
                "Planned " (date(milestone.planned_on)) ", expected " (date(milestone.forecast_on))
                (late(milestone.variance_days)) "."
                @if milestone.stale { " " em { "This date has not been looked at lately." } }
            }
            @if let Some(reason) = &one.reason { p { (reason) } }
            @if !one.recovery_actions.is_empty() {
                p { "What is being done:" }
                ul { @for action in &one.recovery_actions { li { (action) } } }
            }
            @if !one.knock_ons.is_empty() {
                details.knock_ons open[is_open] {
                    summary {
                        "Because of this, " (one.knock_ons.len()) " more "
                        @if one.knock_ons.len() == 1 { "is" } @else { "are" } " late"
                    }
                    ul { @for one in &one.knock_ons { li { (knock_on(one)) } } }
                }
            } @else if !one.holds_up.is_empty() { p { "It holds up " (names(&one.holds_up)) "." } }
        }
    }
}

fn knock_on(one: &ReportedMilestone) -> Markup {
    html! {
        strong { (one.name) } ": planned " (date(one.planned_on)) ", expected " (date(one.forecast_on)) " " (badge(one.status))
    }
}

fn date_change(change: &DateChange, all: &[DateChange], share_path: Option<&str>) -> Markup {
    html! {
        article {
            h3 { (change.name) }
            p {
                (date(change.planned_from_on.unwrap_or(change.from_on))) " → " (date(change.planned_to_on.unwrap_or(change.to_on)))
                @if change.baseline.is_some() { " in a new plan" }
                @match change.communicated_at {
                    Some(at) => { ", made known " (date(at.date_naive())) }
                    None => { ", recorded " (date(change.recorded_on)) }
                }
            }
            p { @if let Some(reason) = &change.reason { (reason) } @else { em { "No reason was recorded." } } }
            @if following(all, change).next().is_some() {
                details.knock_ons open[share_path.is_none()] {
                    summary { "And so, " (following(all, change).count()) " more moved" }
                    ul { @for one in following(all, change) { li { (one.name) ": " (date(one.from_on)) " → " (date(one.to_on)) } } }
                }
            }
            @if let Some(by) = &change.acknowledged_by {
                p.told { "Seen by " (by) "." }
            } @else if let Some(path) = share_path {
                form method="post" action=(format!("{path}/milestones/{}/forecast-changes/{}/acknowledge", change.key, change.number)) {
                    label { "Your name " input name="by" required maxlength="100" autocomplete="name"; }
                    button { "I have seen this" }
                }
            } @else if !change.communicated {
                p.told { "Not yet communicated." }
            }
        }
    }
}

fn correction(one: &ReportedCorrection) -> Markup {
    let dates = [("started", one.started_from_on, one.started_to_on), ("done", one.actual_from_on, one.actual_to_on)];
    html! {
        strong { (one.milestone.name) } ": "
        @for (what, from, to) in dates {
            @if let (Some(from), Some(to)) = (from, to) { (what) " " (date(to)) ", not " (date(from)) ". " }
        }
        (one.reason)
    }
}

fn upcoming(one: &ReportedMilestone) -> Markup {
    html! {
        (date(one.forecast_on)) ": " strong { (one.name) } " " (badge(one.status))
        @if let Some(owner_name) = &one.owner_name { ", " (owner_name) }
    }
}

fn milestones(all: &[ReportedMilestone], visible: &Visibility) -> Markup {
    let has = |field| visible.has(field);
    html! {
        div.scroll tabindex="0" role="region" aria-label="Milestones" {
            table {
                thead {
                    tr {
                        th scope="col" { "Milestone" }
                        th scope="col" { "Planned" }
                        th scope="col" { "Expected" }
                        th scope="col" { "Actual" }
                        th scope="col" { "Status" }
                        @if has(ShareField::Owner) { th scope="col" { "Owner" } }
                        @if has(ShareField::Dependencies) { th scope="col" { "Waits for" } }
                        @if has(ShareField::Notes) { th scope="col" { "Notes" } }
                    }
                }
                tbody {
                    @for one in all {
                        tr {
                            th scope="row" {
                                (one.name)
                                @if let Some(phase) = &one.phase { br; small { (phase) } }
                            }
                            td {
                                (date(one.planned_on))
                                @if one.first_planned_on != one.planned_on { br; small { "first " (date(one.first_planned_on)) } }
                            }
                            td { @if one.actual_on.is_none() { (date(one.forecast_on)) } @else { span.none { "–" } } }
                            td { (optional_date(one.actual_on)) }
                            td { (badge(one.status)) }
                            @if has(ShareField::Owner) { td { (one.owner_name.as_deref().unwrap_or("–")) } }
                            @if has(ShareField::Dependencies) { td { (names(&one.depends_on)) } }
                            @if has(ShareField::Notes) { td { (one.note.as_deref().unwrap_or_default()) } }
                        }
                    }
                }
            }
        }
    }
}
