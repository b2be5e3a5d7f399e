//! The SPI report: one row per plan and the portfolio's total, at any date, as JSON, CSV or NDJSON.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, HeaderName, VARY};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder, get};
use chrono::NaiveDate;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::spi_csv;
use super::spi_row::{CurrencyTotal, Groups, SpiGroup, SpiGrouping, SpiRow, SpiTotal, Totals};
use crate::answer::Answer;
use crate::context::{Context, Matched};
use crate::csv_text::MEDIA_TYPE;
use crate::error::ApiError;
use crate::extract::Query;
use crate::gate::negotiate;
use crate::handlers::plans::list::{PlanFilters, PlanSelection, position};
use crate::moment::Moment;
use crate::owner::OwnerParameters;
use crate::paging::Paging;
use crate::read_model::reports::{Report, ReportKey};
use crate::read_model::{PlanView, Plans};
use crate::store::keyset::{Direction, Key, Order, Position};
use crate::time_travel;

/// A page of the SPI report.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpiReport {
    /// Date that the figures refer to; they include the whole day.
    as_of: NaiveDate,
    /// Items of the page: one row per plan, by name unless sorted otherwise.
    #[schema(max_items = 200)]
    data: Vec<SpiRow>,
    /// Total of all plans that match the filters, including those on other pages. Null if they use different weight units,
    /// which do not add up.
    total: Option<SpiTotal>,
    /// Totals by weight unit.
    #[schema(max_items = 1000)]
    by_unit: Vec<SpiTotal>,
    /// Totals of budgets and costs by currency.
    #[schema(max_items = 1000)]
    by_currency: Vec<CurrencyTotal>,
    /// Totals by group, in the order of their names; empty without `group_by`.
    #[schema(max_items = 100_000)]
    groups: Vec<SpiGroup>,
    /// Cursor of the next page, to be sent as `cursor`; null on the last page.
    #[schema(max_length = 2000, required)]
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

/// Order and grouping of the report.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SpiOptions {
    /// Sort order: `name` (the default), or `spi` for the worst index first; plans without an index come last.
    #[param(inline)]
    sort: Option<SpiSort>,
    /// Grouping of the totals in JSON: `customer`, `owner`, `kind` or `phase`.
    #[param(inline)]
    group_by: Option<SpiGrouping>,
}

/// Sort order of the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpiSort {
    /// By name, without regard to case.
    #[default]
    Name,
    /// By SPI, the lowest first.
    Spi,
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
    options: SpiOptions,
}

/// Get the SPI report
///
/// Reports the schedule performance index (SPI) of every plan and of the portfolio at a date. The total adds up planned
/// value (PV) and earned value (EV) over all plans that match the filters, and then divides; plans with different weight
/// units or currencies have totals of their own. JSON responses are paged. CSV and NDJSON responses are streamed, contain
/// all matching plans and end with the totals. NDJSON adds a last line with the number of plans, so that callers can detect
/// an incomplete stream.
#[utoipa::path(tag = "reports", security(("bearer" = ["plans:read"])), params(Paging, Moment, PlanFilters, OwnerParameters, SpiOptions),
    responses(
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
    owners: Query<OwnerParameters>,
    options: Query<SpiOptions>,
) -> Result<HttpResponse, ApiError> {
    let plans = match moment.known_at {
        Some(at) => Arc::new(Plans::of(cx.who.tenant.sequence, &time_travel::plans_known_at(&cx, at, None).await?)),
        None => cx.plans().await?,
    };
    let filters = filters.0.resolve(&cx, &owners.0).await?;
    let selection = Selection { plans, filters, as_of: moment.as_of, options: options.0 };
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
    let report = cx.app.read_model.reports.get(key, || {
        let as_of = selection.as_of;
        let mut totals = Totals::default();
        let mut groups = selection.options.group_by.map(Groups::by);
        for view in selection.admitted() {
            let summary = view.summary(as_of);
            totals.add(view, &summary, as_of);
            if let Some(groups) = &mut groups {
                groups.add(view, &summary, as_of);
            }
        }
        let (page, next_cursor) = selection.page(paging)?;
        let next = next_cursor.as_deref().map(|cursor| paging.link(cursor));
        let data = page.into_iter().map(|view| SpiRow::of(view, &view.summary(as_of), as_of)).collect();
        let report = SpiReport {
            as_of,
            data,
            total: totals.total(),
            by_unit: totals.by_unit(),
            by_currency: totals.by_currency(),
            groups: groups.map_or(vec![], Groups::totals),
            has_more: next_cursor.is_some(),
            next_cursor,
        };
        Ok(Report { body: serde_json::to_vec(&report)?.into(), next })
    })?;
    Ok(Answer::bytes(StatusCode::OK, "application/json", report.body)
        .content_tag()
        .next_link(report.next)
        .header(VARIES.0, VARIES.1))
}

fn csv(selection: Selection) -> HttpResponse {
    let name = format!("attachment; filename=\"spi-{}.csv\"", selection.as_of);
    let chunks = std::iter::once(spi_csv::header()).chain(chunks(selection, spi_csv::plan, spi_csv::totals));
    HttpResponse::Ok()
        .content_type(MEDIA_TYPE)
        .insert_header((CONTENT_DISPOSITION, name))
        .append_header(VARIES)
        .streaming(stream::iter(chunks.map(|chunk| chunk.map(Bytes::from))))
}

fn ndjson(selection: Selection) -> HttpResponse {
    let totals = |totals: &Totals| {
        let (mut lines, by_unit) = (vec![], totals.by_unit());
        for total in &by_unit {
            lines.extend(tagged("total", total)?);
        }
        if by_unit.is_empty() {
            lines.extend(tagged("total", &totals.total())?);
        }
        for total in totals.by_currency() {
            lines.extend(tagged("currency_total", &total)?);
        }
        let count: usize = by_unit.iter().map(|total| total.plans).sum();
        lines.extend(tagged("end", &serde_json::json!({ "count": count }))?);
        Ok(lines)
    };
    let chunks = chunks(selection, |row| tagged("plan", row), totals);
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

/// Returns the report in chunks, each computed on demand, and the totals as the last chunk.
fn chunks(
    selection: Selection,
    write: impl Fn(&SpiRow) -> Result<Vec<u8>, ApiError>,
    write_totals: impl Fn(&Totals) -> Result<Vec<u8>, ApiError>,
) -> impl Iterator<Item = Result<Vec<u8>, ApiError>> {
    let mut next = 0;
    let mut totals = Some(Totals::default());
    let (as_of, all) = (selection.as_of, selection.in_order());
    std::iter::from_fn(move || {
        let mut bytes = Vec::new();
        if next >= all.len() {
            return totals.take().map(|totals| write_totals(&totals));
        }
        let end = (next + PLANS_A_CHUNK).min(all.len());
        for view in all[next..end].iter().filter(|view| selection.admits(view)) {
            let summary = view.summary(as_of);
            if let Some(totals) = &mut totals {
                totals.add(view, &summary, as_of);
            }
            match write(&SpiRow::of(view, &summary, as_of)) {
                Ok(line) => bytes.extend(line),
                Err(error) => return Some(Err(error)),
            }
        }
        next = end;
        Some(Ok(bytes))
    })
}

/// Returns the place of a plan in the order of indices, the lowest first, in billionths; plans without an index come last.
fn place_by_index(view: &PlanView, as_of: NaiveDate) -> Position {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and no index is that large")]
    let billionths = view.summary(as_of).earned_value.spi().map_or(i64::MAX, |spi| (spi * 1e9).round() as i64);
    Position { key: Some(Key::Number(billionths)), id: view.row.id }
}

impl Selection {
    fn admits(&self, view: &PlanView) -> bool {
        self.filters.admits(view, self.as_of)
    }

    fn admitted(&self) -> impl Iterator<Item = &PlanView> {
        self.plans.by_name.iter().map(AsRef::as_ref).filter(|view| self.admits(view))
    }

    /// Returns the admitted plans of a page, and the cursor of the next one.
    fn page(&self, paging: &Paging) -> Result<(Vec<&PlanView>, Option<String>), ApiError> {
        if self.options.sort == Some(SpiSort::Spi) {
            let place = |view: &&PlanView| place_by_index(view, self.as_of);
            return paging.page_of(self.admitted().collect(), place);
        }
        let slice = paging.slice(Order::Text("name_folded"), Direction::Ascending)?;
        let behind = self.plans.after(slice.after.as_ref()).filter(|view| self.admits(view));
        paging.page_from(behind.take(slice.rows).collect(), |view| position(view))
    }

    /// Returns all plans in the order of the report.
    fn in_order(&self) -> Vec<Arc<PlanView>> {
        let mut all = self.plans.by_name.clone();
        if self.options.sort == Some(SpiSort::Spi) {
            all.sort_by_cached_key(|view| place_by_index(view, self.as_of));
        }
        all
    }
}
