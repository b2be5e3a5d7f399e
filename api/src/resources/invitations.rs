//! Invitations of people outside, as their page shows them.

use milepost_domain::plan::milestone::Evidence;
use milepost_domain::proof::validation::{Decision, ValidationKind};
use milepost_domain::values::text::{Name, Note};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::evidence_files::EvidenceFile;

/// Question that somebody outside is asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "organization_name": "Example", "name": "Petra Novak", "person_name": "Ana Petrova", "kind": "stakeholder_feedback", "title": "A new process is in use",
    "acceptance_criteria": ["The process is documented."], "note": null, "evidence": [{"title": "The process", "url": "https://example.com/process",
    "note": null}], "files": [], "is_open": true, "decision": null
}))]
pub struct InvitedQuestion {
    /// Name of the organization that asks.
    #[schema(value_type = Name)]
    pub organization_name: String,
    /// Name of whoever is asked.
    pub name: Name,
    /// Name of the person whose achievement it is.
    #[schema(value_type = Option<Name>)]
    pub person_name: Option<String>,
    /// Kind of validation.
    pub kind: ValidationKind,
    /// Name of the milestone, or title of the impact.
    #[schema(max_length = 500)]
    pub title: String,
    /// Acceptance criteria of the milestone.
    #[schema(max_items = 50)]
    pub acceptance_criteria: Vec<Note>,
    /// Note of whoever submitted it.
    pub note: Option<Note>,
    /// Evidence.
    #[schema(max_items = 100)]
    pub evidence: Vec<Evidence>,
    /// Files, each at `/invitations/{token}/files/{id}`.
    #[schema(max_items = 20)]
    pub files: Vec<EvidenceFile>,
    /// Whether an answer can be given: none was given, and the validation is not over.
    pub is_open: bool,
    /// Answer that was given; null if there is none.
    pub decision: Option<Decision>,
}
