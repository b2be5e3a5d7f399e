//! Findings of risk in words.

use super::{FactorFinding, FactorKind, Level, worst};
use crate::customer::health::band::Band;

/// Says why health and risk do not agree, in one sentence; `None` if they do. `score` is the health score, and `lowest` names the
/// factor of health with the lowest sub-score.
pub fn difference(
    band: Band,
    score: Option<f64>,
    lowest: Option<&str>,
    level: Level,
    factors: &[FactorFinding],
) -> Option<String> {
    let agrees = match band {
        Band::Healthy | Band::Unknown => level == Level::Low,
        Band::AtRisk => level == Level::Medium,
        Band::Critical => level >= Level::High,
    };
    if agrees {
        return None;
    }
    let words = |name: String| name.replace('_', " ");
    let (band, level) = (words(band.to_string()), words(level.to_string()));
    let health = match (score, lowest) {
        (Some(score), Some(lowest)) => format!("Health is {band} ({score:.0} points, lowest for {lowest})"),
        (Some(score), None) => format!("Health is {band} ({score:.0} points)"),
        (None, _) => format!("Health is {band}"),
    };
    let risk = worst(factors).map_or_else(|| "no risk factor shows anything".to_owned(), FactorFinding::evidence);
    Some(format!("{health}, while risk is {level}: {risk}."))
}

impl FactorFinding {
    /// Says in words what was found.
    pub fn evidence(&self) -> String {
        let found = self.found;
        let Some(severity) = self.severity else { return "not enough is known".to_owned() };
        let compared = self.compared_with;
        match self.kind {
            FactorKind::MilestoneDelay if severity > 0.0 => format!("a milestone is {} overdue", days(found)),
            FactorKind::MilestoneDelay => "no milestone is overdue".to_owned(),
            FactorKind::EngagementDecline => {
                format!("active on {} of the last 30, before that on {}", days(found), number(compared))
            }
            FactorKind::GoneSilent => match compared {
                Some(usual) => format!("last event {} ago, usual pause {}", days(found), days(usual)),
                None => format!("last event {} ago, with too few before it to tell a usual pause", days(found)),
            },
            FactorKind::NeverActivated if severity > 0.0 => format!("no event in the {} as a customer", days(found)),
            FactorKind::NeverActivated => "use has begun, or may still begin".to_owned(),
            FactorKind::FailedAttempts => format!("{found} of {} attempts failed", number(compared)),
            FactorKind::CommunityWithdrawal => {
                format!("community activity on {} of the last 30, before that on {}", days(found), number(compared))
            }
            FactorKind::SupportEscalations => format!("{found} support requests escalated in the last 30 days"),
        }
    }
}

fn days(count: f64) -> String {
    if (count - 1.0).abs() < f64::EPSILON { "1 day".to_owned() } else { format!("{count} days") }
}

fn number(figure: Option<f64>) -> f64 {
    figure.unwrap_or_default()
}
