//! Bringing a plan over from a spreadsheet.

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

use super::create::{PlanDraft, create};
use super::import_rows::Rows;
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::{Query, collect};

/// What the file does not say.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportOptions {
    /// The plan's name.
    #[param(inline)]
    name: Name,
    /// Its first day.
    start_on: NaiveDate,
    /// What it is for; `delivery` if left out.
    #[param(inline)]
    kind: Option<Kind>,
    /// The customer it serves, by what the CRM calls it.
    #[param(inline)]
    customer_ref: Option<ExternalRef>,
    /// Who is responsible.
    #[param(inline)]
    owner: Option<Label>,
    /// Checks everything, and writes nothing.
    dry_run: Option<bool>,
}

/// What was brought over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"dry_run": false, "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "milestones": 19, "encoding": "UTF-8", "delimiter": ","}))]
pub struct ImportedPlan {
    /// Whether nothing was written.
    dry_run: bool,
    /// The plan; null in a dry run.
    plan_id: Option<Uuid>,
    /// How many milestones the file has.
    #[schema(maximum = 500)]
    milestones: usize,
    /// How the file was read.
    #[schema(max_length = 40)]
    encoding: &'static str,
    /// What stands between its cells.
    #[schema(min_length = 1, max_length = 1)]
    delimiter: String,
}

/// Creates a plan from a CSV file
///
/// The first line names the columns: `key`, `name` and `planned_on`, and as wanted `phase`, `owner`, `weight`, `depends_on` (keys with spaces
/// between them, each with a relation and lag if need be: `pipeline:SS+5`), `started_on`, `forecast_on`, `actual_on`, `acceptance_criteria`
/// (`|` between them) and `note`. Dates are written 2026-03-31. Cells may be told apart by commas, semicolons (then decimals may have a comma)
/// or tabs. A file is UTF-8, with or without a byte order mark, unless `Content-Type` names another charset. Every mistake is answered with its
/// line and column, and then nothing is written.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), params(ImportOptions),
    request_body(content = String, content_type = "text/csv", example = "key,name,planned_on,owner,depends_on\ndata-access,Data access confirmed,2026-03-09,Ana,\npipeline,Pipeline runs,2026-04-01,Ben,data-access\n"),
    responses(
        (status = 200, description = "What would be brought over.", body = ImportedPlan),
        (status = 201, description = "What was brought over.", body = ImportedPlan),
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

/// The charset that the media type names, which must be CSV.
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

/// The text and the name of its encoding. A byte order mark says more than a header.
fn decode(bytes: &[u8], charset: Option<&'static Encoding>) -> Result<(String, &'static str), ApiError> {
    let (text, encoding, is_broken) = charset.unwrap_or(UTF_8).decode(bytes);
    if is_broken {
        let line = text.lines().position(|line| line.contains(char::REPLACEMENT_CHARACTER)).unwrap_or_default() + 1;
        let name = encoding.name();
        let detail = format!(
            "Line {line} is not {name}. Save the file as UTF-8, or say in Content-Type what it is: text/csv; charset=iso-8859-1."
        );
        return Err(ApiError::new(Code::MalformedBody, detail));
    }
    Ok((text.into_owned(), encoding.name()))
}
