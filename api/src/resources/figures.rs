//! Figures: impacts that are verified, as stories and portfolios show them.

use milepost_domain::recognition::impact::{ImpactKind, ImpactState};
use milepost_domain::recognition::story::StoryContent;
use milepost_domain::values::text::{Currency, Label, Name};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::store::Conn;
use crate::store::impacts::Impact;
use crate::store::row::{self, Column as _, Condition};

/// Figure of a story: an impact of the person that is verified.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "impact_id": "0199f0a2-7777-7d52-b1a4-0c8a3e0f9d11", "title": "Invoices read by an agent", "kind": "cost_savings",
    "annualized_minor": 1_200_000, "currency": "USD", "baseline": null, "result": null, "unit": null, "attribution_percent": 50
}))]
pub struct StoryFigure {
    /// Identifier of the impact.
    pub impact_id: Uuid,
    /// Title.
    pub title: Name,
    /// Kind.
    pub kind: ImpactKind,
    /// Amount for a year, in the smallest unit of the currency; null for figures that are no money.
    pub annualized_minor: Option<i64>,
    /// Currency.
    pub currency: Option<Currency>,
    /// Figure before.
    pub baseline: Option<f64>,
    /// Figure after.
    pub result: Option<f64>,
    /// Unit of the figures of kind `other`.
    pub unit: Option<Label>,
    /// Share of the improvement that is owed to the person, in percent.
    #[schema(minimum = 0, maximum = 100)]
    pub attribution_percent: f64,
    /// Person whose impact it is.
    #[serde(skip)]
    pub person_id: Option<Uuid>,
}

impl StoryFigure {
    /// Shows an impact.
    pub fn of(impact: Impact) -> Self {
        let impact_id = impact.id;
        let content = impact.content;
        Self {
            impact_id,
            title: content.title,
            kind: content.kind,
            annualized_minor: content.annualized_minor,
            currency: content.currency,
            baseline: content.baseline,
            result: content.result,
            unit: content.unit,
            attribution_percent: content.attribution_percent,
            person_id: content.person_id,
        }
    }
}

impl StoryFigure {
    /// Returns the figure as a sentence, with its amount as people write it.
    pub fn in_words(&self) -> String {
        let title = self.title.as_str();
        let share = if self.attribution_percent < 100.0 {
            format!(", {} % of it attributed", self.attribution_percent)
        } else {
            String::new()
        };
        let number = |figure: Option<f64>| figure.unwrap_or_default();
        let improvement = match (self.kind, self.annualized_minor, &self.currency) {
            (ImpactKind::CostSavings, Some(minor), Some(currency)) => {
                format!("saves {} a year", amount(minor, currency))
            }
            (ImpactKind::Revenue, Some(minor), Some(currency)) => format!("brings {} a year", amount(minor, currency)),
            (ImpactKind::HoursPerWeek, ..) => {
                format!("takes {} hours a week instead of {}", number(self.result), number(self.baseline))
            }
            _ => {
                let unit = self.unit.as_ref().map_or_else(String::new, |unit| format!(" {unit}"));
                format!("from {} to {}{unit}", number(self.baseline), number(self.result))
            }
        };
        format!("{title}: {improvement}{share}")
    }
}

/// Returns the figures that belong to a story: of impacts that it names and that are its person's.
pub fn of_story(story: &StoryContent, figures: &[StoryFigure]) -> Vec<StoryFigure> {
    let is_own = |one: &&StoryFigure| one.person_id == story.person_id && story.impact_ids.contains(&one.impact_id);
    figures.iter().filter(is_own).cloned().collect()
}

/// An amount with the decimals of its currency (ISO 4217), and its thousands apart.
fn amount(minor: i64, currency: &Currency) -> String {
    let decimals = iso_currency::Currency::from_code(currency.as_str()).and_then(iso_currency::Currency::exponent);
    let decimals = usize::from(decimals.unwrap_or(2));
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    let first = whole.len() % 3;
    let mut groups: Vec<&str> = vec![];
    if first > 0 {
        groups.push(&whole[..first]);
    }
    let rest = &whole[first..];
    groups.extend((0..rest.len() / 3).map(|at| &rest[3 * at..3 * at + 3]));
    let part = if part.chars().all(|digit| digit == '0') { String::new() } else { format!(".{part}") };
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}{part} {currency}", groups.join(","))
}

/// Figures of impacts that are verified.
pub async fn figures(conn: &mut Conn, organization_id: Uuid, ids: &[Uuid]) -> Result<Vec<StoryFigure>, ApiError> {
    let Some(named) = Condition::one_of("id", ids) else { return Ok(vec![]) };
    let verified = Condition::Equals("state", ImpactState::Verified.to_value());
    let rows: Vec<Impact> = row::all(conn, organization_id, &[named, verified], "id").await?;
    Ok(rows.into_iter().map(StoryFigure::of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        for (minor, currency, expected) in [
            (1_234_567, "USD", "12,345.67 USD"),
            (1_200_000, "EUR", "12,000 EUR"),
            (5, "USD", "0.05 USD"),
            (1_234_567, "JPY", "1,234,567 JPY"),
            (1_500, "KWD", "1.500 KWD"),
            (-99_900, "USD", "-999 USD"),
        ] {
            assert_eq!(amount(minor, &Currency::trusted(currency.to_owned())), expected);
        }
    }
}
