//! The status report as one HTML page, which a client opens from a share link or receives by mail.
//!
//! The page loads nothing from other servers and runs no scripts. Its only style is its own, which the content security
//! policy allows by its hash.

use std::sync::LazyLock;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderName};
use aws_lc_rs::digest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::NaiveDate;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use milepost_domain::plan::schedule::Status;
use milepost_domain::plan::share::{ShareField, Visibility};

use super::pictures;
use super::status_markdown::{against_plan, following, in_words};
use crate::answer::Answer;
use crate::error::{ApiError, Problem};
use crate::read_model::PlanView;
use crate::resources::date_changes::DateChange;
use crate::resources::status_report::{MilestoneAtRisk, ReportedMilestone, ReportedValue, StatusReport};
use crate::store::plans::PlanRecord;

const STYLE: &str = include_str!("status_page.css");

/// Content security policy: only the page's own style, and forms only to this server.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// Returns the page that a browser shows when a shared page is unavailable. The page is the same for an unknown, an
/// expired and a revoked link.
pub fn failure(problem: &Problem) -> String {
    let advice = match problem.status {
        404 => "This link leads nowhere, or no longer does. Ask whoever sent it to you for a new one.",
        422 => problem.detail.as_str(),
        _ => "This did not work. Try again in a moment.",
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (problem.title) }
            }
            body { main { h1 { (problem.title) } p { (advice) } p { small { "Request " (problem.request_id) } } } }
        }
    };
    page.into_string()
}

/// Returns the page as a response. With a share link's path, the client can acknowledge date changes on it.
pub fn respond(
    report: &StatusReport,
    record: &PlanRecord,
    visible: &Visibility,
    share_path: Option<&str>,
) -> Result<Answer, ApiError> {
    let view = PlanView::from(&record.restricted_to(visible));
    let s_curve = visible.has(ShareField::SCurve).then(|| pictures::draw_s_curve(&view, report.as_of)).transpose()?;
    let trend = visible.has(ShareField::Trend).then(|| pictures::draw_trend(&view, report.as_of)).transpose()?;
    let page = lay_out(report, visible, share_path, s_curve, trend);
    Ok(Answer::text("text/html; charset=utf-8", page.into_string())
        .header(CONTENT_SECURITY_POLICY, POLICY.as_str())
        .header(HeaderName::from_static("x-robots-tag"), "noindex, nofollow"))
}

fn lay_out(
    report: &StatusReport,
    visible: &Visibility,
    share_path: Option<&str>,
    s_curve: Option<String>,
    trend: Option<String>,
) -> Markup {
    let for_customer = report.customer_name.as_deref().map(|name| format!(" for {name}")).unwrap_or_default();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (report.plan_name) ": status on " (report.as_of) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (report.plan_name) }
                    p.lead {
                        "Status on " (date(report.as_of)) (for_customer) ": " (badge(report.status)) " "
                        strong { (report.achieved) " of " (report.in_scope) } " milestones completed."
                    }
                    @if let Some(value) = &report.earned_value { (figures(value)) }
                }
                main {
                    section {
                        h2 { "Completed since " (date(report.since_on)) }
                        @if report.completed.is_empty() { p.none { "None." } }
                        ul.completed { @for one in &report.completed { li { (completed(one)) } } }
                    }
                    section {
                        h2 { "At risk" }
                        @if report.at_risk.is_empty() { p.none { "None." } }
                        @for one in report.at_risk.iter().filter(|one| one.follows.is_none()) { (at_risk(one)) }
                        (late_because_of_others(&report.at_risk))
                    }
                    @if visible.has(ShareField::DateChanges) {
                        section {
                            h2 { "Dates that moved" }
                            @if report.date_changes.is_empty() { p.none { "None." } }
                            @for change in report.date_changes.iter().filter(|one| one.follows.is_none()) {
                                (date_change(change, &report.date_changes, share_path))
                            }
                        }
                    }
                    section {
                        h2 { "The next two weeks" }
                        @if report.next_two_weeks.is_empty() { p.none { "Nothing is due." } }
                        ul.next { @for one in &report.next_two_weeks { li { (upcoming(one)) } } }
                    }
                    @if let Some(picture) = s_curve {
                        section { h2 { "Planned, earned and expected" } figure tabindex="0" { (PreEscaped(picture)) } }
                    }
                    @if let Some(picture) = trend {
                        section {
                            h2 { "How dates moved" }
                            figure tabindex="0" {
                                (PreEscaped(picture))
                                figcaption { "Each line is a milestone: the date expected, over the day on which it was expected. A level line is a promise kept." }
                            }
                        }
                    }
                    section {
                        h2 { "Milestones" }
                        (milestones(&report.milestones, visible))
                    }
                }
                footer {
                    p {
                        "An open milestone is expected today at the earliest, and what waits for it after that."
                        @if let Some(path) = share_path { " " a href=(format!("{path}/calendar.ics")) { "The dates for your calendar" } "." }
                    }
                }
            }
        }
    }
}

fn date(on: NaiveDate) -> Markup {
    html! { time datetime=(on) { (on.format("%-d %b %Y")) } }
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
    let index = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    html! {
        dl.figures {
            div { dt { "Planned by now" } dd { (percent(value.planned_percent)) } }
            div { dt { "Earned" } dd { (percent(value.earned_percent)) } }
            div { dt { abbr title="Schedule performance index: earned over planned value" { "SPI" } } dd { (index(value.spi)) } }
            div { dt { abbr title="Schedule performance index in time: earned schedule over actual time" { "SPI(t)" } } dd { (index(value.spi_t)) } }
            div { dt { "Planned finish" } dd { (optional_date(value.planned_finish_on)) } }
            div { dt { "Expected finish" } dd { (optional_date(value.expected_finish_on)) } }
        }
    }
}

fn completed(one: &ReportedMilestone) -> Markup {
    html! { strong { (one.name) } ", " (optional_date(one.actual_on)) (against_plan(one.variance_days)) }
}

fn at_risk(one: &MilestoneAtRisk) -> Markup {
    let milestone = &one.milestone;
    html! {
        article {
            h3 { (milestone.name) " " (badge(milestone.status)) }
            p {
                "Planned " (date(milestone.planned_on)) ", expected " (date(milestone.forecast_on))
                (against_plan(milestone.variance_days)) "."
                @if milestone.stale { " " em { "This date has not been looked at lately." } }
            }
            @if let Some(reason) = &one.reason { p { (reason) } }
            @if !one.recovery_actions.is_empty() {
                p { "What is being done:" }
                ul { @for action in &one.recovery_actions { li { (action) } } }
            }
            @if !one.holds_up.is_empty() { p { "It holds up " (one.holds_up.join(", ")) "." } }
        }
    }
}

/// Returns the milestones whose dates moved only because of another milestone, one line each.
fn late_because_of_others(all: &[MilestoneAtRisk]) -> Markup {
    let following = || all.iter().filter_map(|one| Some((&one.milestone, one.follows.as_deref()?)));
    html! {
        @if following().next().is_some() {
            p { "Late because of what they wait for:" }
            ul {
                @for (milestone, cause) in following() {
                    li {
                        strong { (milestone.name) } ": planned " (date(milestone.planned_on)) ", expected "
                        (date(milestone.forecast_on)) ", because of " (cause) " " (badge(milestone.status))
                    }
                }
            }
        }
    }
}

fn date_change(change: &DateChange, all: &[DateChange], share_path: Option<&str>) -> Markup {
    html! {
        article {
            h3 { (change.name) }
            p { (date(change.from_on)) " → " (date(change.to_on)) ", made known " (date(change.recorded_on)) }
            p { @if let Some(reason) = &change.reason { (reason) } @else { em { "No reason was recorded." } } }
            @if following(all, change).next().is_some() {
                p { "And so:" }
                ul { @for one in following(all, change) { li { (one.name) ": " (date(one.from_on)) " → " (date(one.to_on)) } } }
            }
            @if let Some(by) = &change.acknowledged_by {
                p.told { "Noted by " (by) "." }
            } @else if let Some(path) = share_path {
                form method="post" action=(format!("{path}/milestones/{}/forecast-changes/{}/acknowledge", change.key, change.number)) {
                    label { "Your name " input name="by" required maxlength="100" autocomplete="name"; }
                    button { "Take note" }
                }
            } @else if !change.communicated {
                p.told { "The client has not been told." }
            }
        }
    }
}

fn upcoming(one: &ReportedMilestone) -> Markup {
    html! {
        (date(one.forecast_on)) ": " strong { (one.name) } " " (badge(one.status))
        @if let Some(owner) = &one.owner { ", " (owner) }
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
                        th scope="col" { "Forecast" }
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
                            td { (date(one.planned_on)) }
                            td { @if one.actual_on.is_none() { (date(one.forecast_on)) } @else { span.none { "–" } } }
                            td { (optional_date(one.actual_on)) }
                            td { (badge(one.status)) }
                            @if has(ShareField::Owner) { td { (one.owner.as_deref().unwrap_or("–")) } }
                            @if has(ShareField::Dependencies) { td { (one.depends_on.join(", ")) } }
                            @if has(ShareField::Notes) { td { (one.note.as_deref().unwrap_or_default()) } }
                        }
                    }
                }
            }
        }
    }
}
