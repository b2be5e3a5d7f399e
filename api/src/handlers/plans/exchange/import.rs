//! Importing a plan from a spreadsheet, or from the file of a project management program.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::Payload;
use actix_web::{HttpRequest, post};
use chrono::NaiveDate;
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use milepost_domain::plan::Kind;
use milepost_domain::plan::calendar::Calendar;
use milepost_domain::plan::draft::{MilestoneDraft, check_milestones};
use milepost_domain::values::text::{ExternalRef, Label, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::import_rows::{MOST, Rows};
use super::project_file::tracker::{ColumnUse, Items, Mapping, Tracker};
use super::project_file::{LostContent, Project, xer};
use crate::answer::Answer;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::extract::{Query, collect};
use crate::handlers::plans::create::create;
use crate::handlers::plans::draft::PlanDraft;

/// Properties of the plan that the file does not contain, and options of the import.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportOptions {
    /// Name. Required for CSV; defaults to the name of the project in a project file.
    #[param(inline)]
    name: Option<Name>,
    /// External reference of the plan: the identifier in the calling system.
    #[param(inline)]
    external_ref: Option<ExternalRef>,
    /// First day of the plan. Required for CSV; defaults to the start of the project in a project file.
    start_on: Option<NaiveDate>,
    /// Kind of plan. Defaults to `delivery`.
    #[param(inline)]
    kind: Option<Kind>,
    /// External reference of the customer that the plan serves.
    #[param(inline)]
    customer_ref: Option<ExternalRef>,
    /// External reference or e-mail address of the owner.
    #[param(inline)]
    owner_ref: Option<ExternalRef>,
    /// Name of the owner: free text for somebody outside.
    #[param(inline)]
    owner_name: Option<Name>,
    /// Issue tracker that a CSV or JSON file was exported from, which gives the mapping of its columns.
    #[param(inline)]
    from: Option<Tracker>,
    /// Mapping of a column of a CSV or JSON file to a field, such as `planned_on=Due date`. In JSON, a column is a path, such as
    /// `fields.assignee.displayName`; `*` stands for every item of a list. Repeat the parameter for several fields.
    #[serde(default)]
    #[param(max_items = 20)]
    map: Vec<Label>,
    /// Format of the dates of a mapped file, such as `%d.%m.%Y`. By default, 2026-05-12 and 12/May/26 are understood.
    #[param(max_length = 50)]
    date_format: Option<String>,
    /// Whether to validate the file and report without saving.
    dry_run: Option<bool>,
}

/// Result of an import.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "dry_run": false, "plan_id": "0199f0a2-7c1e-7d52-b1a4-0c8a3e0f9d11", "format": "csv", "milestones": 19, "encoding": "UTF-8",
    "delimiter": ",", "lost": [], "columns": []
}))]
pub struct ImportedPlan {
    /// Whether this was a dry run, which saves nothing.
    dry_run: bool,
    /// Identifier of the created plan; null in a dry run.
    plan_id: Option<Uuid>,
    /// Format of the file.
    format: FileFormat,
    /// Number of milestones in the file.
    #[schema(maximum = 2000)]
    milestones: usize,
    /// Encoding with which the file was read.
    #[schema(max_length = 40)]
    encoding: &'static str,
    /// Delimiter between the cells of the file; null for a project file.
    #[schema(min_length = 1, max_length = 1)]
    delimiter: Option<String>,
    /// Content of the file for which a plan has no place, and which is not taken over.
    #[schema(max_items = 100)]
    lost: Vec<LostContent>,
    /// Columns of a mapped file with what becomes of each; empty for other files.
    #[schema(max_items = 500)]
    columns: Vec<ColumnUse>,
}

/// Format of an imported file.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Comma-separated values.
    Csv,
    /// Microsoft Project's XML.
    Mspdi,
    /// GanttProject's XML.
    GanttProject,
    /// Primavera's XER.
    Xer,
    /// Comma-separated values with a mapping of their columns.
    MappedCsv,
    /// JSON with a mapping of its paths.
    MappedJson,
}

const CSV_EXAMPLE: &str = "key,name,planned_on,owner,depends_on\n\
    data-access,Data access confirmed,2026-03-09,Ana,\n\
    pipeline,Pipeline runs,2026-04-01,Ben,data-access\n";

const PROJECT_EXAMPLE: &str = "<Project xmlns=\"http://schemas.microsoft.com/project\"><Title>Rollout</Title><Tasks>\
    <Task><UID>1</UID><Name>Data access confirmed</Name><Finish>2026-03-09T17:00:00</Finish></Task></Tasks></Project>";

/// Import a plan from a file
///
/// A project file is XML of Microsoft Project (MSPDI) or GanttProject (`.gan`), sent as `application/xml` or `text/xml`, or Primavera's
/// XER, sent as `text/plain`. Its tasks become milestones, summary tasks phases, the first resource of a task its owner, the duration of a
/// task in days its weight and its duration; links with lags, the working week with holidays, actual dates, percentages and notes are
/// taken over. The planned date is the finish in baseline 0, and a different finish in the schedule is a forecast. `lost` names what a
/// plan has no place for; a dry run shows it first.
///
/// An export of an issue tracker is CSV or JSON with `from` or with `map`, which say what its columns become. Items without a planned date
/// are not taken over. `columns` tells of every column what becomes of it.
///
/// In any other CSV file, the first line names the columns. `key`, `name` and `planned_on` are required. Optional columns are `phase`,
/// `owner`, `weight`, `depends_on` (keys separated by spaces, each optionally with a relation and a lag:
/// `pipeline:SS+5`), `started_on`, `forecast_on`, `actual_on`, `acceptance_criteria` (separated by `|`), `note`,
/// `duration_days`, `credit_rule`, `percent_complete` and `percent_complete_on`.
/// Dates have the form 2026-03-31. The delimiter may be a comma, a semicolon (then decimals may use a comma) or a tab.
/// The file must be UTF-8, with or without a byte order mark, unless `Content-Type` names another charset. If the file
/// contains errors, the response lists them with line and column, and nothing is saved. A plan may start with at most
/// 2,000 milestones.
#[utoipa::path(tag = "plans", security(("bearer" = ["plans:write"])), params(ImportOptions),
    request_body(content(
        (String = "text/csv", example = json!(CSV_EXAMPLE)),
        (String = "application/xml", example = json!(PROJECT_EXAMPLE)),
        (String = "text/plain", example = json!("ERMHDR\t20.12\t2026-05-04")),
        (serde_json::Value = "application/json", example = json!([{"number": 7, "title": "Pipeline runs",
        "milestone": {"due_on": "2026-06-01"}}])),
    )),
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
    let (kind, charset) = media_type_of(&request)?;
    let bytes = collect(&request, payload.into_inner()).await?;
    cx.fingerprint(&bytes);
    let (text, encoding) = decode(&bytes, charset)?;
    let today = cx.today();
    let mapping = Mapping::of(options.0.from, &options.0.map, options.0.date_format.as_deref())?;
    let project = |project| read_project(&options.0, project, vec![], encoding, today);
    let items = |items: Items, mapping: &Mapping, format| {
        let (project, columns) = items.project(mapping, format)?;
        read_project(&options.0, project, columns, encoding, today)
    };
    let (draft, imported) = match (kind, &mapping) {
        (Sent::Csv, None) => read_csv(&options.0, &text, encoding, today)?,
        (Sent::Csv, Some(mapping)) => items(Items::of_csv(&text)?, mapping, FileFormat::MappedCsv)?,
        (Sent::Json, Some(mapping)) => items(Items::of_json(&text)?, mapping, FileFormat::MappedJson)?,
        (Sent::Json, None) => {
            return Err(ApiError::parameter("map", "required", "must be given for JSON, or from".to_owned()));
        }
        (Sent::Xml, _) => project(Project::read(&text)?)?,
        (Sent::Text, _) if xer::is_xer(&text) => project(xer::read(&text)?)?,
        (Sent::Text, _) => {
            return Err(ApiError::new(Code::MalformedBody, "The text is no XER file: it does not begin with ERMHDR."));
        }
    };
    if options.0.dry_run.unwrap_or_default() {
        return Answer::ok(&imported);
    }
    cx.write(async |unit| {
        let record = create(&cx, unit, &draft).await?;
        let imported = ImportedPlan { dry_run: false, plan_id: Some(record.plan.id), ..imported.clone() };
        let answer = Answer::json(StatusCode::CREATED, &imported)?;
        Ok(answer.header(LOCATION, format!("/v1/plans/{}", record.plan.id)))
    })
    .await
}

/// Reads a CSV file; mistakes are located by line and column.
fn read_csv(
    options: &ImportOptions,
    text: &str,
    encoding: &'static str,
    today: NaiveDate,
) -> Result<(PlanDraft, ImportedPlan), ApiError> {
    let required = |name: &str| ApiError::parameter(name, "required", "must be given".to_owned());
    let name = options.name.clone().ok_or_else(|| required("name"))?;
    let start_on = options.start_on.ok_or_else(|| required("start_on"))?;
    let rows = Rows::read(text, today)?;
    check_milestones(&rows.milestones, start_on, &Calendar::default(), today)
        .map_err(|violations| rows.locate(violations))?;
    let imported = ImportedPlan {
        dry_run: true,
        plan_id: None,
        format: FileFormat::Csv,
        milestones: rows.milestones.len(),
        encoding,
        delimiter: Some(rows.delimiter.to_string()),
        lost: vec![],
        columns: vec![],
    };
    Ok((draft(options, name, start_on, rows.milestones), imported))
}

/// Reads a project file; mistakes are located by milestone.
fn read_project(
    options: &ImportOptions,
    mut project: Project,
    columns: Vec<ColumnUse>,
    encoding: &'static str,
    today: NaiveDate,
) -> Result<(PlanDraft, ImportedPlan), ApiError> {
    let milestones = project.milestones(today);
    if milestones.len() > MOST {
        let detail = format!("has {} milestones, but a plan may start with at most {MOST}", milestones.len());
        return Err(ApiError::field("", "too_many_items", detail));
    }
    let named = project.name.as_deref().and_then(|name| Name::parse(name).ok());
    let required =
        |name: &str| ApiError::parameter(name, "required", "must be given: the file does not say it".to_owned());
    let name = options.name.clone().or(named).ok_or_else(|| required("name"))?;
    let start_on = options.start_on.or(project.first_on()).ok_or_else(|| required("start_on"))?;
    check_milestones(&milestones, start_on, &project.calendar, today)?;
    let imported = ImportedPlan {
        dry_run: true,
        plan_id: None,
        format: project.format,
        milestones: milestones.len(),
        encoding,
        delimiter: None,
        lost: project.lost(),
        columns,
    };
    let weight_unit = Label::parse("days").ok().filter(|_| project.is_weighed_by_days());
    let draft = draft(options, name, start_on, milestones);
    Ok((PlanDraft { calendar: Some(project.calendar), weight_unit, ..draft }, imported))
}

fn draft(options: &ImportOptions, name: Name, start_on: NaiveDate, milestones: Vec<MilestoneDraft>) -> PlanDraft {
    let ImportOptions { external_ref, kind, customer_ref, owner_ref, owner_name, .. } = options.clone();
    PlanDraft {
        external_ref,
        kind,
        customer_ref,
        owner_ref,
        owner_name,
        milestones,
        ..PlanDraft::named(name, start_on)
    }
}

/// Kind of file that was sent.
#[derive(Debug, Clone, Copy)]
enum Sent {
    Csv,
    Xml,
    Json,
    Text,
}

/// The kind of file and the charset that the media type names.
fn media_type_of(request: &HttpRequest) -> Result<(Sent, Option<&'static Encoding>), ApiError> {
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = sent.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let kind = match essence.as_str() {
        "text/csv" => Sent::Csv,
        "application/xml" | "text/xml" => Sent::Xml,
        "application/json" => Sent::Json,
        "text/plain" => Sent::Text,
        _ => {
            let detail =
                format!("Send text/csv, application/xml, text/xml, text/plain or application/json, not '{essence}'.");
            return Err(ApiError::new(Code::UnsupportedMediaType, detail));
        }
    };
    let named = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    let Some((_, label)) = named else { return Ok((kind, None)) };
    let label = label.trim_matches('"');
    let unknown = || ApiError::new(Code::UnsupportedMediaType, format!("The charset '{label}' is not known."));
    let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(unknown)?;
    Ok((kind, Some(encoding)))
}

/// The text and the name of its encoding. A byte order mark takes precedence over the header.
fn decode(bytes: &[u8], charset: Option<&'static Encoding>) -> Result<(String, &'static str), ApiError> {
    // Primavera writes the code page of Windows unless told otherwise.
    let is_xer = charset.is_none() && bytes.starts_with(b"ERMHDR") && std::str::from_utf8(bytes).is_err();
    let usual = if is_xer { WINDOWS_1252 } else { UTF_8 };
    let (text, encoding, is_broken) = charset.unwrap_or(usual).decode(bytes);
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
