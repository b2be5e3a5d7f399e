//! The SPI report: one row per plan and the portfolio's total, at any date, as JSON, CSV or NDJSON.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, HeaderName, VARY};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder, get};
use chrono::NaiveDate;
use futures_util::stream;
use serde::Serialize;
use utoipa::ToSchema;

use super::spi_csv;
use super::spi_row::{SpiRow, SpiTotal, Totals};
use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::csv_text::MEDIA_TYPE;
use crate::error::ApiError;
use crate::extract::Query;
use crate::gate::negotiate;
use crate::handlers::plans::list::{PlanFilters, PlanSelection, position};
use crate::moment::Moment;
use crate::paging::Paging;
use crate::read_model::{PlanView, Plans, Report, ReportKey};
use crate::store::keyset::{Direction, Order};
use crate::time_travel;

/// A page of the SPI report.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpiReport {
    /// Date that the figures refer to; they include the whole day.
    as_of: NaiveDate,
    /// Items of the page: one row per plan, ordered by name.
    #[schema(max_items = 200)]
    data: Vec<SpiRow>,
    /// Total of all plans that match the filters, including those on other pages.
    total: SpiTotal,
    /// Totals by weight unit. They stay meaningful when plans use different weight units.
    #[schema(max_items = 1000)]
    by_unit: Vec<SpiTotal>,
    /// Cursor of the next page, to be sent as `cursor`; null on the last page.
    #[schema(max_length = 2000, required)]
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

/// Response header: the media type depends on the `Accept` header of the request.
const VARIES: (HeaderName, &str) = (VARY, "accept");
/// Number of plans in a chunk of a stream.
const PLANS_A_CHUNK: usize = 64;

/// The plans of a report and the filters to apply.
struct Selection {
    plans: Arc<Plans>,
    filters: PlanSelection,
    as_of: NaiveDate,
}

/// Get the SPI report
///
/// Reports the schedule performance index (SPI) of every plan and of the portfolio at a date. The total adds up planned
/// value (PV) and earned value (EV) over all plans that match the filters, and then divides. JSON responses are paged.
/// CSV and NDJSON responses are streamed, contain all matching plans and end with the total. NDJSON adds a last line
/// with the number of plans, so that callers can detect an incomplete stream.
#[utoipa::path(tag = "reports", security(("bearer" = ["plans:read"])), params(Paging, Moment, PlanFilters), responses(
    (status = 200, description = "The SPI report.", content(
        (SpiReport = "application/json"), (String = "text/csv"), (String = "application/x-ndjson"),
    ))
))]
#[get("/v1/reports/spi")]
pub async fn read_spi_report(
    request: HttpRequest,
    cx: Context,
    paging: Paging,
    moment: Moment,
    filters: Query<PlanFilters>,
) -> Result<HttpResponse, ApiError> {
    let plans = match moment.known_at {
        Some(at) => Arc::new(Plans::of(cx.who.tenant.sequence, &time_travel::plans_known_at(&cx, at, None).await?)),
        None => cx.plans().await?,
    };
    let filters = filters.0.resolve(&cx).await?;
    let selection = Selection { plans, filters, as_of: moment.as_of };
    let matched = Matched::of(&request)?;
    match negotiate(&request, &matched.operation.produces) {
        Some("text/csv") => Ok(csv(selection)),
        Some("application/x-ndjson") => Ok(ndjson(selection)),
        _ => Ok(json(&cx, &paging, &selection)?.respond_to(&request)),
    }
}

fn json(cx: &Context, paging: &Paging, selection: &Selection) -> Result<Answer, ApiError> {
    let sequence = selection.plans.sequence;
    let key = ReportKey {
        organization_id: cx.organization_id(),
        sequence,
        question: format!("{} {}", cx.target, selection.as_of),
    };
    let slice = paging.slice(Order::Text("name_folded"), Direction::Ascending)?;
    let report = cx.app.read_model.report(key, || {
        let mut totals = Totals::default();
        for view in selection.admitted() {
            totals.add(view, &view.summary(selection.as_of));
        }
        let behind = selection.plans.after(slice.after.as_ref()).filter(|view| selection.admits(view));
        let mut page: Vec<&PlanView> = behind.take(slice.rows).collect();
        let has_more = page.len() > paging.limit;
        page.truncate(paging.limit);
        let last = page.last().filter(|_| has_more);
        let next_cursor = last.map(|view| paging.cursor(position(view))).transpose()?;
        let next = next_cursor.as_deref().map(|cursor| paging.link(cursor));
        let data = page.into_iter().map(|view| SpiRow::of(view, &view.summary(selection.as_of))).collect();
        let by_unit = totals.by_unit();
        let report = SpiReport { as_of: selection.as_of, data, total: totals.total(), by_unit, next_cursor, has_more };
        Ok(Report { body: serde_json::to_vec(&report)?.into(), next })
    })?;
    Ok(Answer::bytes(StatusCode::OK, "application/json", report.body)
        .content_tag()
        .next_link(report.next)
        .header(VARIES.0, VARIES.1))
}

fn csv(selection: Selection) -> HttpResponse {
    let name = format!("attachment; filename=\"spi-{}.csv\"", selection.as_of);
    let chunks = std::iter::once(spi_csv::header()).chain(chunks(selection, spi_csv::plan, spi_csv::total));
    HttpResponse::Ok()
        .content_type(MEDIA_TYPE)
        .insert_header((CONTENT_DISPOSITION, name))
        .append_header(VARIES)
        .streaming(stream::iter(chunks.map(|chunk| chunk.map(Bytes::from))))
}

fn ndjson(selection: Selection) -> HttpResponse {
    let total = |total: &SpiTotal| {
        let mut lines = tagged("total", total)?;
        lines.extend(tagged("end", &serde_json::json!({ "count": total.plans }))?);
        Ok(lines)
    };
    let chunks = chunks(selection, |row| tagged("plan", row), total);
    HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .append_header(VARIES)
        .streaming(stream::iter(chunks.map(|chunk| chunk.map(Bytes::from))))
}

/// Returns a line of NDJSON with its `row_type`.
fn tagged(kind: &'static str, value: &impl Serialize) -> Result<Vec<u8>, ApiError> {
    #[derive(Serialize)]
    struct Tagged<'a, T> {
        row_type: &'static str,
        #[serde(flatten)]
        value: &'a T,
    }
    let mut line = serde_json::to_vec(&Tagged { row_type: kind, value })?;
    line.push(b'\n');
    Ok(line)
}

/// Returns the report in chunks, each computed on demand, and the total as the last chunk.
fn chunks(
    selection: Selection,
    write: impl Fn(&SpiRow) -> Result<Vec<u8>, ApiError>,
    write_total: impl Fn(&SpiTotal) -> Result<Vec<u8>, ApiError>,
) -> impl Iterator<Item = Result<Vec<u8>, ApiError>> {
    let mut next = 0;
    let mut totals = Some(Totals::default());
    std::iter::from_fn(move || {
        let all = &selection.plans.by_name;
        let mut bytes = Vec::new();
        if next >= all.len() {
            return totals.take().map(|totals| write_total(&totals.total()));
        }
        let end = (next + PLANS_A_CHUNK).min(all.len());
        for view in all[next..end].iter().filter(|view| selection.admits(view)) {
            let summary = view.summary(selection.as_of);
            if let Some(totals) = &mut totals {
                totals.add(view, &summary);
            }
            match write(&SpiRow::of(view, &summary)) {
                Ok(line) => bytes.extend(line),
                Err(error) => return Some(Err(error)),
            }
        }
        next = end;
        Some(Ok(bytes))
    })
}

impl Selection {
    fn admits(&self, view: &PlanView) -> bool {
        self.filters.admits(view, self.as_of)
    }

    fn admitted(&self) -> impl Iterator<Item = &PlanView> {
        self.plans.by_name.iter().map(AsRef::as_ref).filter(|view| self.admits(view))
    }
}
