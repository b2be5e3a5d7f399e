//! Importing a plan from a spreadsheet.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::Payload;
use actix_web::{HttpRequest, post};
use chrono::NaiveDate;
use encoding_rs::{Encoding, UTF_8};
use milepost_domain::plan::Kind;
use milepost_domain::plan::draft::check_milestones;
use milepost_domain::values::text::{ExternalRef, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::import_rows::Rows;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::{Query, collect};
use crate::handlers::plans::create::{PlanDraft, create};

/// Properties of the plan that the file does not contain, and options of the import.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportOptions {
    /// Name.
    #[param(inline)]
    name: Name,
    /// First day of the plan.
    start_on: NaiveDate,
    /// Kind of plan. Defaults to `delivery`.
    #[param(inline)]
    kind: Option<Kind>,
    /// External reference of the customer that the plan serves.
    #[param(inline)]
    customer_ref: Option<ExternalRef>,
    /// Owner: the person responsible.
    #[param(inline)]
    owner: Option<Label>,
    /// Whether to validate the file and report without saving.
    dry_run: Option<bool>,
}

/// Result of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"dry_run": false, "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "milestones": 19, "encoding": "UTF-8", "delimiter": ","}))]
pub struct ImportedPlan {
    /// Whether this was a dry run, which saves nothing.
    dry_run: bool,
    /// Identifier of the created plan; null in a dry run.
    plan_id: Option<Uuid>,
    /// Number of milestones in the file.
    #[schema(maximum = 500)]
    milestones: usize,
    /// Encoding with which the file was read.
    #[schema(max_length = 40)]
    encoding: &'static str,
    /// Delimiter between the cells of the file.
    #[schema(min_length = 1, max_length = 1)]
    delimiter: String,
}

/// Import a plan from CSV
///
/// The first line names the columns. `key`, `name` and `planned_on` are required. Optional columns are `phase`,
/// `owner`, `weight`, `depends_on` (keys separated by spaces, each optionally with a relation and a lag:
/// `pipeline:SS+5`), `started_on`, `forecast_on`, `actual_on`, `acceptance_criteria` (separated by `|`) and `note`.
/// Dates have the form 2026-03-31. The delimiter may be a comma, a semicolon (then decimals may use a comma) or a tab.
/// The file must be UTF-8, with or without a byte order mark, unless `Content-Type` names another charset. If the file
/// contains errors, the response lists them with line and column, and nothing is saved. A plan may start with at most
/// 500 milestones.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), params(ImportOptions),
    request_body(content = String, content_type = "text/csv", example = "key,name,planned_on,owner,depends_on\ndata-access,Data access confirmed,2026-03-09,Ana,\npipeline,Pipeline runs,2026-04-01,Ben,data-access\n"),
    responses(
        (status = 200, description = "The result of the dry run.", body = ImportedPlan),
        (status = 201, description = "The result of the import.", body = ImportedPlan),
    ))]
#[post("/v1/plans/import")]
pub async fn import_plan(
    request: HttpRequest,
    cx: Context,
    options: Query<ImportOptions>,
    payload: Payload,
) -> Result<Answer, ApiError> {
    let charset = charset_of(&request)?;
    let bytes = collect(&request, payload.into_inner()).await?;
    cx.fingerprint(&bytes);
    let (text, encoding) = decode(&bytes, charset)?;
    let rows = Rows::read(&text, cx.today())?;
    let draft = draft(&options.0, &rows);
    check_milestones(&draft.milestones, draft.start_on, &draft.calendar.clone().unwrap_or_default(), cx.today())
        .map_err(|violations| rows.locate(violations))?;
    let imported = |plan_id: Option<Uuid>| ImportedPlan {
        dry_run: plan_id.is_none(),
        plan_id,
        milestones: rows.milestones.len(),
        encoding,
        delimiter: rows.delimiter.to_string(),
    };
    if options.0.dry_run.unwrap_or_default() {
        return Answer::ok(&imported(None));
    }
    cx.write(async |unit| {
        let record = create(unit, &draft).await?;
        let answer = Answer::json(StatusCode::CREATED, &imported(Some(record.plan.id)))?;
        Ok(answer.header(LOCATION, format!("/v1/plans/{}", record.plan.id)))
    })
    .await
}

fn draft(options: &ImportOptions, rows: &Rows) -> PlanDraft {
    let ImportOptions { name, start_on, kind, customer_ref, owner, dry_run: _ } = options.clone();
    PlanDraft {
        name,
        kind,
        customer_id: None,
        customer_ref,
        person_id: None,
        person_ref: None,
        owner,
        start_on,
        weight_unit: None,
        credit_rule: None,
        at_risk_limit_days: None,
        update_interval_days: None,
        calendar: None,
        budget_minor: None,
        currency: None,
        template: None,
        template_version: None,
        milestones: rows.milestones.clone(),
    }
}

/// The charset that the media type names. The media type must be CSV.
fn charset_of(request: &HttpRequest) -> Result<Option<&'static Encoding>, ApiError> {
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = sent.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    if essence != "text/csv" {
        return Err(ApiError::new(Code::UnsupportedMediaType, format!("Send text/csv, not '{essence}'.")));
    }
    let named = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    let Some((_, label)) = named else { return Ok(None) };
    let label = label.trim_matches('"');
    let unknown = || ApiError::new(Code::UnsupportedMediaType, format!("The charset '{label}' is not known."));
    Encoding::for_label(label.as_bytes()).map(Some).ok_or_else(unknown)
}

/// The text and the name of its encoding. A byte order mark takes precedence over the header.
fn decode(bytes: &[u8], charset: Option<&'static Encoding>) -> Result<(String, &'static str), ApiError> {
    let (text, encoding, is_broken) = charset.unwrap_or(UTF_8).decode(bytes);
    if is_broken {
        let line = text.lines().position(|line| line.contains(char::REPLACEMENT_CHARACTER)).unwrap_or_default() + 1;
        let name = encoding.name();
        let detail = format!(
            "Line {line} is not valid {name}. Save the file as UTF-8, or name its charset in Content-Type: text/csv; charset=iso-8859-1."
        );
        return Err(ApiError::new(Code::MalformedBody, detail));
    }
    Ok((text.into_owned(), encoding.name()))
}
