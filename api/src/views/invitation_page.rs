//! The page by which somebody outside answers an invitation.

use std::sync::LazyLock;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderName};
use maud::{DOCTYPE, Markup, html};
use milepost_domain::proof::validation::{Decision, ValidationKind};

use super::page::head;
use super::security::policy;
use crate::answer::Answer;
use crate::resources::invitations::InvitedQuestion;

const STYLE: &str = include_str!("invitation_page.css");

static POLICY: LazyLock<String> = LazyLock::new(|| policy(STYLE));

/// Returns the page, which is at `path`, as a response.
pub fn render(question: &InvitedQuestion, path: &str) -> Answer {
    let who = question.person_name.as_deref().unwrap_or("a colleague");
    let title = format!("Your word on an achievement of {who}");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&title, STYLE, None))
            body {
                main {
                    p class="organization" { (question.organization_name) }
                    h1 { (question.title) }
                    p { (question.name.as_str()) ", " (asked(question.kind)) " on this achievement of " strong { (who) } "." }
                    (shown(question, path))
                    @if let Some(decision) = question.decision {
                        p class="done" { "Thank you. " (answered(decision)) }
                    } @else if question.is_open {
                        (form(path))
                    } @else {
                        p class="done" { "This question is closed: no answer is needed any more." }
                    }
                }
            }
        }
    };
    Answer::text("text/html; charset=utf-8", page.into_string())
        .header(CONTENT_SECURITY_POLICY, POLICY.as_str())
        .header(HeaderName::from_static("x-robots-tag"), "noindex, nofollow")
}

fn shown(question: &InvitedQuestion, path: &str) -> Markup {
    html! {
        @if !question.acceptance_criteria.is_empty() {
            h2 { "It counts as achieved when" }
            ul { @for criterion in &question.acceptance_criteria { li { (criterion.as_str()) } } }
        }
        @if let Some(note) = &question.note { h2 { "Note" } p { (note.as_str()) } }
        @if !question.evidence.is_empty() || !question.files.is_empty() {
            h2 { "Evidence" }
            ul {
                @for one in &question.evidence {
                    li {
                        @match &one.url {
                            Some(url) => a href=(url.as_str()) rel="noopener noreferrer nofollow" { (one.title.as_str()) },
                            None => (one.title.as_str()),
                        }
                        @if let Some(note) = &one.note { p class="soft" { (note.as_str()) } }
                    }
                }
                @for file in &question.files { li { a href=(format!("{path}/files/{}", file.id)) { (file.title.as_str()) } } }
            }
        }
    }
}

fn form(path: &str) -> Markup {
    html! {
        form method="post" action=(format!("{path}/decisions")) {
            fieldset {
                label { input type="radio" name="decision" value="approve" required; " Yes, it is shown." }
                label { input type="radio" name="decision" value="ask_for_more"; " I need to see more before I can say." }
                label { input type="radio" name="decision" value="reject"; " No, it is not." }
            }
            label for="comment" { "Comment (optional)" }
            textarea id="comment" name="comment" maxlength="2000" {}
            button type="submit" { "Send the answer" }
            p class="soft" { "The answer can be given once." }
        }
    }
}

/// Words by which somebody is asked.
const fn asked(kind: ValidationKind) -> &'static str {
    match kind {
        ValidationKind::ManagerAttestation => "you are asked for an attestation",
        ValidationKind::PeerReview => "you are asked for a review",
        ValidationKind::ExpertEvaluation => "you are asked for an evaluation",
        ValidationKind::StakeholderFeedback => "you are asked for feedback",
        ValidationKind::CustomerReference => "you are asked for a reference",
        ValidationKind::SuccessStory => "you are asked for your word on a success story",
        ValidationKind::PortfolioReview => "you are asked for a review of a portfolio",
        ValidationKind::RoiVerification => "you are asked for a verification of the return",
    }
}

const fn answered(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "You have confirmed the achievement.",
        Decision::Reject => "You have not confirmed the achievement.",
        Decision::AskForMore => "You have asked for more evidence.",
    }
}
